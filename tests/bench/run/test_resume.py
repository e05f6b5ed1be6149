"""Only what was measured with the same code, machine and settings is gone on with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.run import sources
from bench.run.launch import Outcome, launch
from bench.store import Request

FOLDER = Path(__file__).parents[1] / "accidents"


@pytest.fixture
def resume(tmp_path: Path) -> Callable[..., Outcome]:
    """Measures, or resumes, one plug-in on one small case."""
    plugin = tmp_path / "mine.py"
    plugin.write_text((FOLDER / "reads_stdin.py").read_text())
    request = Request(
        workloads=("grouped_conv2d",),
        suite="odd",
        target="edge",
        implementations=("mine",),
        cases=("kernel=1",),
        plugins=(str(plugin),),
    )
    return lambda budget_s=0.1: launch(request, budget_s=budget_s, resume=True, results=tmp_path / "results")


def test_nothing_is_measured_twice(resume: Callable[[], Outcome]) -> None:
    first, second = resume(), resume()
    assert (first.measured, second.measured) == (1, 0)
    assert first.run.folder == second.run.folder


def test_edited_code_is_measured_anew(resume: Callable[[], Outcome], tmp_path: Path) -> None:
    first = resume()
    with (tmp_path / "mine.py").open("a") as file:
        file.write("# edited\n")
    second = resume()
    assert second.measured == 1
    assert second.run.folder != first.run.folder


@pytest.mark.parametrize("before", [{}, {"impls": "another"}, {"grouped_conv2d/mine": "another"}], ids=str)
def test_code_that_differs_or_is_not_recorded_is_measured_anew(
    resume: Callable[[], Outcome], monkeypatch: pytest.MonkeyPatch, before: dict[str, str]
) -> None:
    hashes = sources.hashes
    with monkeypatch.context() as patch:
        patch.setattr(sources, "hashes", lambda entries: before and hashes(entries) | before)
        first = resume()
    second = resume()
    assert second.measured == 1
    assert second.run.folder != first.run.folder


def test_other_thread_settings_are_measured_anew(
    resume: Callable[[], Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resume()
    monkeypatch.setenv("KMP_BLOCKTIME", "1")
    second = resume()
    assert second.measured == 1
    assert second.run.folder != first.run.folder


def test_another_budget_is_measured_anew_and_told(
    resume: Callable[..., Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = resume(), resume(budget_s=0.2)
    assert second.measured == 1
    assert second.run.folder != first.run.folder
    assert "its budget, timeout or memory limit was another; a new run begins" in caplog.text


def test_how_far_it_would_have_gone_is_recorded(resume: Callable[[], Outcome]) -> None:
    spending = resume().run.info.spending
    assert (spending.budget_s, spending.timeout_s, spending.memory_bytes) == (0.1, 120.0, 4 << 30)
