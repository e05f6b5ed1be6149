"""In one session, an implementation runs with other versions of libraries than the rest."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import environments
from bench.core import registry
from bench.core.describe import describe
from bench.core.record import Record, Status
from bench.core.target import Target
from bench.run.executors.inprocess import InProcess
from bench.run.launch import Outcome
from bench.run.plan import plan
from bench.run.protocol import Reply
from bench.store import Request

Measure = Callable[..., Outcome]
RecordOf = Callable[[Outcome, str], Record]
PLUGIN = '''
import typer

from bench.core.implementation import with_facts
from impls.grouped_conv2d.im2col import Im2col


class {name}(Im2col):
    """im2col, which tells which typer it imports."""

    workload = "grouped_conv2d"
    requires = ("numpy",)
    environment = {environment}

    def prepare(self, problem, target):
        call = super().prepare(problem, target)
        return with_facts(lambda: call(), {{"typer from": typer.__file__, "typer says": typer.__version__}})
'''
PLUGINS = {
    "as_installed": (),
    "pinned": ("typer==0.1.0",),
    "pinned_alike": ("typer==0.1.0",),
    "not_to_be_had": ("featherbench-no-such-distribution==1.0",),
}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("plugins")
    paths = [folder / f"{name}.py" for name in PLUGINS]
    for path in paths:
        path.write_text(PLUGIN.format(name=path.stem.capitalize(), environment=PLUGINS[path.stem]))
    return paths


@pytest.fixture(scope="module")
def outcome(measure: Measure, plugins: list[Path], installable: Path, one_process: None) -> Outcome:
    return measure(plugins)


def test_a_pinned_version_wins_over_the_installed_one_in_the_same_session(
    outcome: Outcome, record_of: RecordOf
) -> None:
    installed = importlib.metadata.version("typer")
    records = {name: record_of(outcome, name) for name in ("im2col", "as_installed", "pinned", "pinned_alike")}
    assert {record.status for record in records.values()} == {Status.PASSED}, records
    assert len({record.session for record in records.values()}) == 1
    assert records["as_installed"].facts["typer says"] == installed != "0.1.0"
    for name in ("pinned", "pinned_alike"):
        assert records[name].facts["typer says"] == "0.1.0"
        assert Path(records[name].facts["typer from"]).is_relative_to(environments.packages(PLUGINS["pinned"]))


def test_a_record_holds_the_versions_of_its_environment(outcome: Outcome, record_of: RecordOf) -> None:
    facts = record_of(outcome, "pinned").facts
    assert (facts["typer"], facts["numpy"]) == ("0.1.0", importlib.metadata.version("numpy"))
    assert "typer" not in record_of(outcome, "im2col").facts


def test_installing_counts_as_building_and_not_as_measuring(outcome: Outcome) -> None:
    assert outcome.time.by_stage["building"] > 0


def test_an_environment_that_cannot_be_installed_costs_only_its_own_record(
    outcome: Outcome, record_of: RecordOf
) -> None:
    record = record_of(outcome, "not_to_be_had")
    assert record.status is Status.UNSUPPORTED
    assert record.reason.startswith("cannot install featherbench-no-such-distribution==1.0: ")
    assert "\n" not in record.reason


def test_a_run_installs_only_for_implementations_that_it_names(
    plugins: list[Path], installable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEATHERBENCH_ENVIRONMENTS", str(tmp_path))
    pinned = next(path for path in plugins if path.stem == "pinned")
    request = Request(
        workloads=("grouped_conv2d",), suite="odd", target="edge", case_filters=("kernel=1",), plugins=(str(pinned),)
    )
    (spec,) = describe(pinned)
    (unnamed,) = plan(request)
    assert unnamed.unavailable[spec] == environments.missing(spec)
    (named,) = plan(request.model_copy(update={"implementations": ("pinned",)}))
    (installed,) = plan(request, installs=True)
    assert spec in named.specs
    assert spec in installed.specs


def test_in_a_process_with_others_it_does_not_run(plugins: list[Path], outcome: Outcome) -> None:
    """As in the front ends for asv and pytest; the environment is installed."""
    (spec,) = describe(next(path for path in plugins if path.stem == "pinned"))
    reply = InProcess(Target("edge")).start_runner(spec, "impls.grouped_conv2d.workload", Target("edge").cores)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.reason) == (
        Status.UNSUPPORTED,
        "runs only in an environment of its own (typer==0.1.0), not in this process: measure it with featherbench run",
    )


def test_the_search_of_tvm_has_the_releases_with_which_it_works() -> None:
    pytest.importorskip("tvm", reason="needs apache-tvm: pip install apache-tvm")
    from impls.grouped_conv2d._tune_metaschedule import FFI_VERSION

    specs = {spec.name: spec for spec in registry.implementations()}
    assert f"apache-tvm-ffi=={FFI_VERSION}" in specs["tvm_metaschedule_search"].environment
