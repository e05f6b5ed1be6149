"""Claims and records made by hand: times of grouped convolutions, and accuracies of trained networks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.claims.cells import Counts
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
address = "https://example.org"
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
scope = { workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["groups=8", "groups=16"] }
measure = { quantity = "speedup", against = ["pytorch"] }
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
            place = known[0] if known else len(lines)
            lines[place : place + 1] = replaced
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
    """Creates a record of a network that was trained on the karate club with a seed."""

    def create(implementation: str, seed: int, accuracy: float) -> Record:
        return record(
            implementation,
            workload="node_classification",
            case=f"seed={seed}" if seed else "",
            parameters={"dataset": "karate_club", "seed": seed},
            check=Check(passed=True, metrics={"accuracy": accuracy, "epochs_to_peak": 10.0 + seed}),
        )

    return create


@pytest.fixture
def run_of(create: Callable[..., Run]) -> Callable[..., Run]:
    """Creates a run with records."""

    def create_run(records: Sequence[Record], name: str = "run") -> Run:
        run = create(name)
        run.append(records)
        return run

    return create_run
