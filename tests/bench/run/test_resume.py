"""A run is resumed only if it was measured with the same code, machine and settings."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.budget import Budget
from bench.run import sources
from bench.run.launch import Outcome, launch
from bench.store import Request

pytestmark = pytest.mark.usefixtures("one_process")
FOLDER = Path(__file__).parents[1] / "accidents"


@pytest.fixture
def resume(tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that measures one plug-in on one small case, or resumes that."""
    plugin = tmp_path / "mine.py"
    plugin.write_text((FOLDER / "reads_stdin.py").read_text())
    request = Request(
        workloads=("grouped_conv2d",),
        suite="odd",
        target="edge",
        implementations=("mine",),
        case_filters=("kernel=1",),
        plugins=(str(plugin),),
    )
    return lambda timed_s=0.1: launch(
        request, budget=Budget(timed_s=timed_s), resume=True, results=tmp_path / "results"
    )


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
        patch.setattr(sources, "hashes", lambda specs: before and hashes(specs) | before)
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


def test_another_budget_is_measured_anew_with_a_warning(
    resume: Callable[..., Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = resume(), resume(timed_s=0.2)
    assert first.run.info.budget == Budget(timed_s=0.1)
    assert second.run.info.budget == Budget(timed_s=0.2)
    assert second.measured == 1
    assert second.run.folder != first.run.folder
    assert "its budget, timeout or memory limit was different; a new run begins" in caplog.text
