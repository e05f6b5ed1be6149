"""Runs make the artifacts that they need before they measure; records name them."""

import re
from pathlib import Path

import pytest

from bench import artifacts
from bench.core.budget import Budget
from bench.core.record import Record, Status
from bench.core.target import Target
from bench.run.building import Job, build
from bench.run.launch import Outcome, SilentBuild, launch
from bench.run.plan import plan
from bench.store import Request

pytest.importorskip("sklearn")
REQUEST = Request(
    workloads=("image_classification",),
    suite="problems",
    case_slugs=("recipe=smoke,epochs=2,batch=4", "recipe=smoke,epochs=2"),
    implementations=("dw_pw", "standard", "broken"),
    target="edge",
)
BROKEN = '''
from impls.image_classification._block_implementation import BlockImplementation


class Broken(BlockImplementation):
    """A block that cannot be trained."""

    workload = "image_classification"
    requires = ("torch", "safetensors")

    def artifacts(self, case, target):
        raise RuntimeError("no block")
'''


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> Request:
    path = tmp_path_factory.mktemp("plugin") / "broken.py"
    path.write_text(BROKEN)
    return REQUEST.model_copy(update={"plugins": (str(path),)})


class Shown(SilentBuild):
    def __init__(self) -> None:
        self.expected: list[str] = []
        self.ended: list[str] = []

    def expect(self, jobs: "list[Job]") -> None:  # type: ignore[override]
        self.expected = [job.label for job in jobs]

    def end(self, job: Job) -> None:
        self.ended.append(job.label)


@pytest.fixture(scope="module")
def shown() -> Shown:
    return Shown()


@pytest.fixture(scope="module")
def outcome(request_: Request, shown: Shown, tmp_path_factory: pytest.TempPathFactory, one_process: None) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path_factory.mktemp("built")))
        results = tmp_path_factory.mktemp("results")
        return launch(request_, budget=Budget(timed_s=0.1), results=results, build_display=shown)


@pytest.fixture(scope="module")
def records(outcome: Outcome) -> dict[tuple[str, str], Record]:
    return {(record.implementation, record.case): record for record in outcome.run.records}


def test_each_artifact_is_made_once_for_all_cases_that_use_it(outcome: Outcome, shown: Shown) -> None:
    assert sorted(shown.expected) == sorted(shown.ended)
    assert sorted(shown.ended) == [
        *(f"image_classification/broken {case}" for case in sorted(REQUEST.case_slugs)),
        "resnet8 x1 dw_pw digits smoke epochs=2 seed=0",
        "resnet8 x1 standard digits smoke epochs=2 seed=0",
    ]
    assert outcome.time.by_stage["building"] > 0
    assert "building" in str(outcome.time)


def test_a_record_names_its_artifact_and_has_metrics_of_training_and_evaluation(
    records: dict[tuple[str, str], Record],
) -> None:
    keys = set()
    for case in REQUEST.case_slugs:
        for name in ("dw_pw", "standard"):
            record = records[name, case]
            assert record.status is Status.PASSED, record.reason
            assert record.check is not None
            assert record.check.error is not None
            assert 0.5 < record.check.metrics["top1"] <= 1
            assert record.check.metrics["train_s"] > 0
            assert len(record.check.curves["top1_held_out"]) == 2
            assert record.seconds["build"] == 0, "it was made before it was measured"
            assert record.latency is not None
            network = record.artifacts["network"]
            assert network.seconds is not None
            assert network.seconds >= record.check.metrics["train_s"], "it was made before, and that time is kept"
            assert network.size_bytes is not None
            assert network.size_bytes > 1000
            keys.add((name, network.key))
    assert len(keys) == 2


def test_latencies_of_a_session_are_paired(records: dict[tuple[str, str], Record]) -> None:
    first, second = (records[name, REQUEST.case_slugs[0]] for name in ("dw_pw", "standard"))
    assert first.session == second.session
    assert first.latency is not None
    assert second.latency is not None
    assert set(first.latency.numbers) & set(second.latency.numbers)


def test_what_cannot_be_made_is_a_failure_of_that_implementation_alone(
    records: dict[tuple[str, str], Record],
) -> None:
    for case in REQUEST.case_slugs:
        assert records["broken", case].status is Status.FAILED
        assert "no block" in records["broken", case].reason


def test_a_build_that_fails_says_why_and_makes_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path / "built"))
    (tmp_path / "built").mkdir()
    sessions = plan(REQUEST.model_copy(update={"implementations": ("dw_pw", "standard")}))
    (first, *_) = build(sessions[:1], Target("edge"), tmp_path / "logs", SilentBuild())
    folder = tmp_path / "built" / first.key
    (folder / artifacts.DESCRIPTION).unlink()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("a file where a folder should be")
    jobs = {job.key: job for job in build(sessions[:1], Target("edge"), tmp_path / "logs", SilentBuild())}
    assert jobs.keys() == {first.key}
    assert "cannot store" in jobs[first.key].failure


def test_the_block_of_the_guide_is_trained_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_process: None
) -> None:
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path / "built"))
    guide = (Path(__file__).parents[3] / "docs" / "networks.md").read_text()
    (code,) = re.findall(r"```python\n(from torch import nn.*?)```", guide, re.DOTALL)
    (tmp_path / "my_block.py").write_text(code)
    request = REQUEST.model_copy(
        update={
            "plugins": (str(tmp_path / "my_block.py"),),
            "implementations": ("my_block", "dw_pw"),
            "case_slugs": REQUEST.case_slugs[:1],
        }
    )
    run = launch(request, budget=Budget(timed_s=0.1), results=tmp_path / "results").run
    assert {record.implementation: record.reason for record in run.records} == {"my_block": "", "dw_pw": ""}
    own = next(record for record in run.records if record.implementation == "my_block")
    assert own.check is not None
    assert own.check.metrics["top1"] > 0.5
