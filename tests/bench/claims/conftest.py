"""Claims and records made by hand: times of grouped convolutions, and accuracies of trained networks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.claims.counts import Counts
from bench.claims.model import ClaimsFile
from bench.claims.read import read_claims
from bench.core.record import Check, Latency, Record, Status
from bench.store import Run

PROCESSES = 4
PAPER = """
[paper]
id = "example"
title = "An example"
venue = "nowhere"
url = "https://example.org"
summary = "It is an example."
source = "Nothing."
"""
CLAIM = """
[[claim]]
id = "faster"
text = "Our convolution is twice as fast as PyTorch's."
where = "table 1"
kind = "ratio"
published = { value = 2, unit = "x" }
quantifier = "all"
scope = { workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["groups=8", "groups=16", "cin=64"] }
measure = { quantity = "speedup", baselines = ["pytorch"] }
rule = { within = "10%", direction = "higher" }
protocol = { distance = "proxy", differences = ["hardware: another"] }
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a claims file: the head of PAPER and the given text, CLAIM by default, with replacements."""

    def write_claims(text: str = CLAIM, **replacements: str) -> Path:
        lines = text.splitlines()
        for field, value in replacements.items():
            known = [index for index, line in enumerate(lines) if line.startswith(f"{field} =")]
            replaced = [f"{field} = {value}"] if value else []
            index = known[0] if known else len(lines)
            lines[index : index + 1] = replaced
        path = tmp_path / "claims.toml"
        path.write_text(PAPER + "\n".join(lines))
        return path

    return write_claims


@pytest.fixture
def claims(write: Callable[..., Path]) -> Callable[..., ClaimsFile]:
    """Reads such a file, with the given counts of a recipe."""

    def read(text: str = CLAIM, counts: Counts | None = None, **replacements: str) -> ClaimsFile:
        return read_claims(write(text, **replacements), counts)

    return read


@pytest.fixture
def timed(record: Callable[..., Record]) -> Callable[..., Record]:
    """Creates a record of a convolution of suite quick with 64 channels, with a time for each of 20 rounds."""

    def create(implementation: str, groups: int, times: float | Sequence[float], **changes: Any) -> Record:
        rounds = list(times) if isinstance(times, Sequence) else [times * (1 + 0.001 * (i % 3)) for i in range(20)]
        latency = Latency(
            rounds=[[time] for time in rounds],
            numbers=list(range(len(rounds))),
            processes=[index * PROCESSES // len(rounds) for index in range(len(rounds))],
            calls_per_sample=1,
            estimate=rounds[0],
            low=min(rounds),
            high=max(rounds),
            stopped="precise",
        )
        case = "cin=64,cout=64,h=56,w=56" + (f",groups={groups}" if groups > 1 else "")
        parameters = {"cin": 64, "cout": 64, "h": 56, "w": 56, "groups": groups}
        return record(implementation, **({"case": case, "parameters": parameters, "latency": latency} | changes))

    return create


@pytest.fixture
def unsupported(timed: Callable[..., Record]) -> Callable[..., Record]:
    """Creates a record of an implementation that does not support the case."""
    changes = {"status": Status.UNSUPPORTED, "reason": "no groups", "latency": None, "memory": None, "check": None}
    return lambda implementation, groups: timed(implementation, groups, 1.0, **changes)


@pytest.fixture
def trained(record: Callable[..., Record]) -> Callable[..., Record]:
    """Creates a record of a network that was trained on Cora with a seed, as in suite multipath."""

    def create(implementation: str, seed: int, accuracy: float, **changes: Any) -> Record:
        described: dict[str, Any] = {
            "workload": "node_classification",
            "case": "dataset=cora,split=public" + (f",seed={seed}" if seed else ""),
            "parameters": {"dataset": "cora", "split": "public", "seed": seed},
            "check": Check(passed=True, metrics={"accuracy": accuracy, "epochs_to_peak": 10.0 + seed}),
        }
        return record(implementation, **(described | changes))

    return create


@pytest.fixture
def crash() -> dict[str, Any]:
    """The changes that make a record that of a crash."""
    return {"status": Status.CRASHED, "reason": "signal 11", "latency": None, "memory": None, "check": None}


@pytest.fixture
def run_of(create: Callable[..., Run]) -> Callable[..., Run]:
    """Creates a run with records, on another kind of machine where ``changes`` of its environment are given."""

    def create_run(records: Sequence[Record], name: str = "run", **changes: Any) -> Run:
        run = create(name)
        if changes:
            ((machine_id, described),) = run.info.machines.items()
            environment = described.environment.model_copy(update=changes)
            described = described.model_copy(update={"environment": environment})
            run.info = run.info.model_copy(update={"machines": {machine_id: described}})
        run.append(records)
        return run

    return create_run
