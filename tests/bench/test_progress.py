"""The lines that are printed once a case is measured."""

from datetime import UTC, datetime

from bench.core.record import Check, Latency, Memory, Record, Status
from bench.progress import case_lines


def record(implementation: str, time: float | None = None, status: Status = Status.PASSED, reason: str = "") -> Record:
    """A record of ten rounds in two processes, or one without latency where ``time`` is None."""
    latency = time and Latency(
        rounds=[[time]] * 10,
        numbers=list(range(10)),
        processes=[0] * 5 + [1] * 5,
        calls_per_sample=1,
        estimate=time,
        low=0.99 * time,
        high=1.01 * time,
        stopped="precise",
    )
    return Record(
        workload="conv",
        implementation=implementation,
        case="groups=4",
        target="edge",
        parameters={},
        status=status,
        reason=reason,
        session="one",
        started=datetime(2026, 11, 23, tzinfo=UTC),
        check=Check(passed=True) if time else None,
        latency=latency or None,
        memory=Memory(peak_bytes=1, prepared_bytes=1) if time else None,
    )


def lines(*records: Record, baseline: str = "pytorch") -> list[str]:
    return [line.replace("\u00a0", " ") for line in case_lines(records, baseline)]


def test_the_fastest_comes_first_with_its_ratio_to_the_baseline() -> None:
    assert lines(record("pytorch", 2e6), record("slow", 4e6), record("fast", 1e6)) == [
        "conv groups=4",
        f"  {'fast':24}1.000 ms [0.9900 to 1.010], ratio to pytorch 0.500 [0.500 to 0.500]",
        f"  {'pytorch':24}2.000 ms [1.980 to 2.020]",
        f"  {'slow':24}4.000 ms [3.960 to 4.040], ratio to pytorch 2.000 [2.000 to 2.000]",
    ]


def test_without_the_baseline_only_times_are_printed() -> None:
    crashed = record("pytorch", status=Status.CRASHED, reason="it died of SIGSEGV during 'round'")
    assert lines(record("fast", 1e6), crashed) == [
        "conv groups=4",
        f"  {'fast':24}1.000 ms [0.9900 to 1.010]",
        f"  {'pytorch':24}crashed: it died of SIGSEGV during 'round'",
    ]


def test_unsupported_records_are_not_printed() -> None:
    assert lines(record("fast", status=Status.UNSUPPORTED, reason="only odd kernels")) == []
