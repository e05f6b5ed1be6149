"""The progress of builds, and its estimate."""

import sys
from pathlib import Path
from typing import Any

import pytest

from bench import artifacts, build_progress
from bench.artifacts import Progress
from bench.run.building import Job


def create_job(key: str, seconds: float | None = None, failure: str = "") -> Job:
    session: Any = None
    return Job(session, session, key, f"network {key}", seconds, failure)


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> dict[str, Progress]:
    by_key: dict[str, Progress] = {}
    monkeypatch.setattr(artifacts, "progress", by_key.get)
    return by_key


def test_the_rest_is_estimated_by_what_is_made_and_under_way(progress: dict[str, Progress]) -> None:
    jobs = [create_job("a", seconds=100.0), create_job("b"), create_job("c"), create_job("d")]
    assert build_progress.remaining_text(jobs, []) == ""
    progress["b"] = Progress(done=3, parts=12, seconds=50.0)  # 200 s in all, 150 s left
    # Two wait for about 150 s each; two are built at once.
    progress["c"] = Progress(done=6, parts=12, seconds=75.0)  # 150 s in all, 75 s left
    assert build_progress.remaining_text(jobs, jobs[1:3]) == f"about {(150 + 75 + 150) / 2 / 60:.0f} min left"


def test_nothing_is_estimated_before_the_first_part(progress: dict[str, Progress]) -> None:
    jobs = [create_job("a"), create_job("b")]
    assert build_progress.remaining_text(jobs, jobs[:1]) == ""


def test_lines_say_what_is_made_and_what_became_of_it(
    progress: dict[str, Progress], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = build_progress.BuildLines()
    jobs = [create_job("a"), create_job("b")]
    progress["a"] = Progress(done=1, parts=4, seconds=30.0)
    lines.expect(jobs)
    lines.update(jobs[:1])
    monkeypatch.setattr(build_progress, "LINE_EVERY_S", 0.0)
    lines.update(jobs[:1])
    jobs[0].seconds, jobs[1].failure = 120.0, "no space"
    for job in jobs:
        lines.end(job)
    assert capsys.readouterr().err.splitlines() == [
        "building 2 artifacts",
        "network a: 1 of 4 done",
        "about 4 min left",
        "built network a in 2 min",
        "failed: network b: no space",
    ]


def test_a_pipe_gets_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
        with build_progress.display() as shown:
            assert isinstance(shown, build_progress.BuildLines)
