"""Pairs are what they say they are."""

from pathlib import Path

import numpy as np
import pytest

from bench.core import registry
from bench.core.errors import UsageError
from bench.doctor import copies
from bench.doctor.copies import Slowdown
from reports.trust.pair import Pair, find_case, prepared, write_pair

CASE = "cin=60,cout=60,h=14,w=14,groups=6,bias=true"


@pytest.mark.parametrize(("slowdown", "planted"), [(0.0, None), (0.02, Slowdown(0.02)), (0.05, Slowdown(0.05))])
def test_a_copy_has_the_slowdown_of_its_pair_in_every_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slowdown: float, planted: Slowdown | None
) -> None:
    pair = write_pair("im2col", find_case(CASE), slowdown, tmp_path)
    asked = []
    monkeypatch.setattr(copies, "slowed", lambda call, slowdown: asked.append(slowdown) or call)
    prepared("im2col", CASE, str(pair.copy))
    assert asked == [planted]
    assert planted is None or planted.every == 1


def test_an_identical_copy_adds_nothing() -> None:
    def call() -> None: ...

    assert copies.slowed(call, None) is call


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_a_slowdown_waits_for_its_share_of_the_shortest_call(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    clock = Clock(durations=[1_000_000, 3_000_000, 1_100_000])
    monkeypatch.setattr(copies, "time", clock)
    slow = copies.slowed(clock.call, Slowdown(share))
    for _ in range(3):
        before = clock.now, clock.in_calls
        slow()
        waited = clock.now - before[0] - (clock.in_calls - before[1])
        assert waited == pytest.approx(share * 1_000_000, abs=10 * Clock.TICK)


def test_the_statements_for_other_tools_prepare_both_sides(tmp_path: Path) -> None:
    case = find_case(CASE)
    pair = write_pair("im2col", case, 0.05, tmp_path)
    outputs = []
    for source in (pair.original_source, pair.copy_source):
        names: dict = {}
        exec(source, names)
        outputs.append(names["call"]())
    workload = registry.workload("grouped_conv2d")
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert outputs[0].shape == workload.case_type.from_parameters(case.model_dump()).output_shape


def test_what_there_is_not_is_told() -> None:
    with pytest.raises(UsageError, match="no case 'groups=7'"):
        find_case("groups=7")
    with pytest.raises(UsageError, match="no implementation 'keras' of grouped_conv2d; choose from im2col"):
        write_pair("keras", find_case(CASE), 0, Path())


def test_the_sources_of_a_pair_differ_by_the_copy_alone() -> None:
    pair = Pair("pytorch", Path("pytorch_copy.py"), find_case(CASE), 0.02)
    assert pair.copy_source == pair.original_source.replace(f"{CASE}'", f"{CASE}', 'pytorch_copy.py'")


class Clock:
    """Stands in for ``time``: it moves on by the duration of calls, and a little whenever it is read."""

    TICK = 10

    def __init__(self, durations: list[int]) -> None:
        self.now, self.in_calls = 0, 0
        self.durations = durations
        self.count = 0

    def call(self) -> None:
        duration = self.durations[self.count % len(self.durations)]
        self.count += 1
        self.now += duration
        self.in_calls += duration

    def perf_counter_ns(self) -> int:
        self.now += self.TICK
        return self.now

    def perf_counter(self) -> float:
        return self.perf_counter_ns() / 1e9
