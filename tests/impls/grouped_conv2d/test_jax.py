"""A JAX call that does not wait for its output is timed like one that does.

``python tests/impls/grouped_conv2d/test_jax.py`` measures longer: it prints the ratio of the two, with its interval.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.core import registry
from bench.core.budget import Budget
from bench.core.record import Record, Status
from bench.core.target import Target
from bench.run import session
from bench.run.plan import Session
from bench.run.workers import Workers
from bench.stats.latencies import session_ratio
from impls.grouped_conv2d.workload import GroupedConv2dCase

pytest.importorskip("jax", reason="needs jax: pip install jax")

PLUGIN = '''
from impls.grouped_conv2d.jax import Jax as InThisProject, compiled


class Jax(InThisProject):
    """JAX's asynchronous dispatch, and a call that {does}."""

    workload = "grouped_conv2d"
    requires = ("jax",)

    def prepare(self, problem, target):
        convolve = compiled(problem, inline=False)
        return lambda: convolve(){wait}
'''
CASES = {
    "20 us": GroupedConv2dCase(cin=4, cout=4, h=5, w=5),
    "2 ms": GroupedConv2dCase(cin=48, cout=48, h=27, w=27, groups=8),
    "100 ms": GroupedConv2dCase(cin=64, cout=64, h=224, w=224, groups=64),
}
LONG_CASES = CASES | {"300 ms": GroupedConv2dCase(cin=64, cout=64, h=384, w=384, groups=64)}
"""What the script measures."""


def measure(case: GroupedConv2dCase, timed_s: float, folder: Path) -> Mapping[str, Record]:
    """Return the records of ``waits`` and ``does_not_wait``."""
    files = {"waits": ("waits", ".block_until_ready()"), "does_not_wait": ("does not wait", "")}
    paths = [folder / f"{name}.py" for name in files]
    for path, (does, wait) in zip(paths, files.values(), strict=True):
        path.write_text(PLUGIN.format(does=does, wait=wait))
    specs = tuple(spec for spec in registry.implementations(paths) if spec.name in files)
    planned = Session("grouped_conv2d", registry.workload("grouped_conv2d"), case, specs)
    budget = Budget(timed_s=timed_s)
    with Workers(Target("edge"), budget, folder / "logs") as workers:
        return {record.implementation: record for record in session.measure_case(planned, workers, budget.timed_s)}


@pytest.mark.parametrize("duration", CASES)
def test_a_call_that_does_not_wait_gets_its_full_time_and_memory(
    duration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for constant, value in (("MIN_PROCESSES", 1), ("MIN_ROUNDS", 4), ("MIN_ROUNDS_PER_PROCESS", 4)):
        monkeypatch.setattr(session, constant, value)  # A factor of two shows in few rounds.
    records = measure(CASES[duration], 0.2, tmp_path)
    assert {record.status for record in records.values()} == {Status.PASSED}
    waits, unwaited = records["waits"], records["does_not_wait"]
    assert waits.latency is not None
    assert unwaited.latency is not None
    assert unwaited.latency.estimate > waits.latency.estimate / 2
    assert waits.memory is not None
    assert unwaited.memory is not None
    assert unwaited.memory.peak_bytes == pytest.approx(waits.memory.peak_bytes, rel=0.03, abs=64 << 10)


if __name__ == "__main__":
    for duration in sys.argv[2:] or LONG_CASES:
        with tempfile.TemporaryDirectory() as scratch:
            records = measure(LONG_CASES[duration], float(sys.argv[1]) if sys.argv[1:] else 8.0, Path(scratch))
        waits, unwaited = records["waits"], records["does_not_wait"]
        assert waits.latency is not None, waits.reason
        assert unwaited.latency is not None, unwaited.reason
        assert waits.memory is not None
        assert unwaited.memory is not None
        ratio = session_ratio(unwaited.latency, waits.latency)
        assert ratio is not None
        print(
            f"{duration}: {waits.latency.estimate / 1e3:,.1f} us, unwaited {ratio.estimate:.3f} times that "
            f"({ratio.low:.3f} to {ratio.high:.3f}) in {len(waits.latency.rounds)} rounds; peak "
            f"{waits.memory.peak_bytes >> 10} KiB, unwaited {unwaited.memory.peak_bytes >> 10} KiB"
        )
