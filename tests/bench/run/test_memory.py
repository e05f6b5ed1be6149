"""Memory of implementations that are known to take a given amount."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from bench.core.record import Record
from bench.run.launch import Outcome

MIB = 1 << 20


class ExpectedMemory(NamedTuple):
    """Memory of a call and of its preparation, in MiB."""

    peak: int
    prepared: int


EXPECTED = {
    "takes_a_large_array": ExpectedMemory(peak=64, prepared=0),
    "takes_many_small_blocks": ExpectedMemory(peak=64, prepared=0),
    "takes_an_array_in_prepare": ExpectedMemory(peak=0, prepared=64),
    "takes_small_blocks_in_prepare": ExpectedMemory(peak=0, prepared=64),
    "takes_an_attribute_in_prepare": ExpectedMemory(peak=0, prepared=64),
    "takes_nothing": ExpectedMemory(peak=0, prepared=0),
    "takes_more_at_first": ExpectedMemory(peak=0, prepared=0),
    "takes_library_memory_once": ExpectedMemory(peak=0, prepared=0),
}


@pytest.fixture(scope="module")
def outcome(measure: Callable[..., Outcome], one_process: None) -> Outcome:
    return measure(list(EXPECTED))


@pytest.mark.parametrize("name", EXPECTED)
def test_the_memory_that_is_taken_is_measured(
    name: str, outcome: Outcome, record_of: Callable[[Outcome, str], Record]
) -> None:
    """The measured memory is within 3 % of 64 MiB, or within 1 MiB of nothing."""
    memory = record_of(outcome, name).memory
    assert memory is not None
    for measured, mib in [(memory.peak_bytes, EXPECTED[name].peak), (memory.prepared_bytes, EXPECTED[name].prepared)]:
        assert measured == (pytest.approx(mib * MIB, rel=0.03) if mib else pytest.approx(0, abs=MIB)), memory
