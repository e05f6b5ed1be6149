"""Memory of implementations that are known to take a given amount."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from bench.core.record import Record
from bench.run.launch import Outcome

MIB = 1 << 20


class Weighed(NamedTuple):
    """MiB."""

    peak: int
    prepared: int


EXPECTED = {
    "weighs_a_large_array": Weighed(peak=64, prepared=0),
    "weighs_many_small_blocks": Weighed(peak=64, prepared=0),
    "weighs_kept_array": Weighed(peak=0, prepared=64),
    "weighs_kept_small_blocks": Weighed(peak=0, prepared=64),
    "weighs_kept_on_itself": Weighed(peak=0, prepared=64),
    "weighs_nothing": Weighed(peak=0, prepared=0),
    "weighs_more_at_first": Weighed(peak=0, prepared=0),
    "weighs_set_up_once": Weighed(peak=0, prepared=0),
}


@pytest.fixture(scope="module")
def weighed(measure: Callable[..., Outcome]) -> Outcome:
    return measure(list(EXPECTED))


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_taken_is_weighed(name: str, weighed: Outcome, record_of: Callable[[Outcome, str], Record]) -> None:
    """Within 3 % of 64 MiB, or within 1 MiB of nothing."""
    memory = record_of(weighed, name).memory
    assert memory is not None
    for found, mib in [(memory.peak_bytes, EXPECTED[name].peak), (memory.prepared_bytes, EXPECTED[name].prepared)]:
        assert found == (pytest.approx(mib * MIB, rel=0.03) if mib else pytest.approx(0, abs=MIB)), memory
