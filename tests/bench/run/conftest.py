"""Fixtures of the tests of runs: one small case, measured quickly."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.core.budget import Budget
from bench.core.record import Record
from bench.peaks import host
from bench.peaks.model import Peaks
from bench.run.launch import Outcome, launch
from bench.run.scheduler import Display
from bench.store import Request

FOLDER = Path(__file__).parents[1] / "accidents"

Measure = Callable[..., Outcome]

SHORT = Budget(timed_s=0.1)


@pytest.fixture(scope="session")
def measure(tmp_path_factory: pytest.TempPathFactory, peaks_measured_once: Callable[..., Peaks]) -> Measure:
    """Return a function that runs plug-ins, given by name or path, beside im2col on a single small case."""

    def run(
        plugins: Sequence[str | Path],
        budget: Budget = SHORT,
        display: Display | None = None,
        case: str = "kernel=1",
    ) -> Outcome:
        paths = [FOLDER / f"{plugin}.py" if isinstance(plugin, str) else plugin for plugin in plugins]
        request = Request(
            workloads=("grouped_conv2d",),
            suite="odd",
            target="edge",
            implementations=("im2col", *(path.stem for path in paths)),
            case_filters=(case,),
            plugins=tuple(map(str, paths)),
        )
        results = tmp_path_factory.mktemp("results")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(host, "measure_peaks", peaks_measured_once)
            return launch(request, budget=budget, results=results, display=display)

    return run


@pytest.fixture(scope="session")
def record_of() -> Callable[[Outcome, str], Record]:
    """Return a function that finds the one record of an implementation, in the file as well as in the run."""

    def find(outcome: Outcome, name: str) -> Record:
        lines = (outcome.run.folder / "records.jsonl").read_text().splitlines()
        stored = [record for record in map(Record.model_validate_json, lines) if record.implementation == name]
        assert stored == [record for record in outcome.run.records if record.implementation == name]
        assert len(stored) == 1
        return stored[0]

    return find
