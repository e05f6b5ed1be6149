"""Speeds that a machine cannot reach are implausible, and no others."""

from pathlib import Path

import pytest

from bench import store
from bench.core import registry
from bench.core.record import Status, Work
from bench.peaks.model import HostBandwidth, Peak, Peaks
from bench.run.plausibility import implausible

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
MACHINE = Peaks(
    peaks=[Peak(isa="avx2", threads=1, gflops=100.0), Peak(isa="avx2", threads=2, gflops=200.0)],
    bandwidths=[HostBandwidth(working_set_bytes=1 << 20, threads=1, bytes_per_second=50e9)],
)


@pytest.mark.parametrize(
    ("latency_ns", "work", "words"),
    [
        (1e3, Work(macs=50_000, least_bytes=1, parameters=0), ""),
        (1e3, Work(macs=76_000, least_bytes=1, parameters=0), "1 us per call would be 152 GFLOP/s"),
        (1e3, Work(macs=76_000, least_bytes=1, parameters=0, itemsize=2), ""),
        (1e3, Work(macs=151_000, least_bytes=1, parameters=0, itemsize=2), "this machine reaches 200"),
        (1e3, Work(macs=76_000, least_bytes=1, parameters=0, itemsize=8), "this machine reaches 100"),
        (1e3, Work(macs=200_000, fewest_macs=50_000, least_bytes=1, parameters=0), ""),
        (1e3, Work(macs=1, least_bytes=190_000, parameters=0), ""),
        (1e3, Work(macs=1, least_bytes=210_000, parameters=0), "1 us per call would be 210 GB/s"),
    ],
)
def test_more_than_a_machine_can_do_is_implausible(latency_ns: float, work: Work, words: str) -> None:
    reason = implausible(latency_ns, work, MACHINE, threads=1)
    assert bool(reason) == bool(words)
    assert words in reason


def test_more_threads_may_be_faster() -> None:
    assert not implausible(1e3, Work(macs=100_000, least_bytes=1, parameters=0), MACHINE, threads=2)


@pytest.mark.parametrize("name", [path.name for path in sorted(REFERENCE.glob("grouped_conv2d-*"))])
def test_no_committed_result_is_implausible(name: str) -> None:
    run = store.find(name, REFERENCE)
    workload = registry.workload("grouped_conv2d")
    passed = [record for record in run.records if record.status is Status.PASSED]
    assert passed
    for record in passed:
        machine, work = run.info.machine, workload.work(workload.case_type.from_parameters(record.parameters))
        assert work is not None
        assert record.latency is not None
        assert machine.peaks is not None
        assert implausible(record.latency.estimate, work, machine.peaks, machine.threads) == "", record.key
