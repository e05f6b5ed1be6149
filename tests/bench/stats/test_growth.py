"""Memory that every call keeps is found, and memory that only fluctuates is not."""

import random
from collections.abc import Callable

import pytest

from bench.stats.growth import growth_per_call

KIB, MIB = 1 << 10, 1 << 20
START = 200 * MIB


def readings(source: random.Random, held: list[int], error_kib: int) -> list[int]:
    """Return the kernel's reading for each number of bytes: too large by up to ``error_kib``, in whole KiB."""
    return [size + KIB * source.randint(0, error_kib) for size in held]


def growth(
    kept: Callable[[int], int], calls: int, processes: int, rounds: int, seed: int = 1, error_kib: int = 256
) -> float:
    """Return the measured growth of processes that keep ``kept(n)`` bytes after n calls."""
    source = random.Random(seed)
    held = [[START + kept(calls * index) for index in range(rounds + 1)] for _ in range(processes)]
    return growth_per_call([readings(source, sizes, error_kib) for sizes in held], [[calls] * rounds] * processes)


@pytest.mark.parametrize(("leak", "calls"), [(KIB, 1000), (KIB, 5000), (MIB, 1), (MIB, 20), (MIB, 500)])
@pytest.mark.parametrize(("processes", "rounds"), [(1, 20), (4, 3), (30, 6)])
def test_a_leak_is_found(leak: int, calls: int, processes: int, rounds: int) -> None:
    for seed in range(20):
        assert growth(lambda n: leak * n, calls, processes, rounds, seed) == pytest.approx(leak, rel=0.1)


def test_a_leak_is_found_beside_a_cache_that_fills_at_first() -> None:
    measured = growth(lambda n: 64 * KIB * n + (20 * MIB if n else 0), 100, 8, 6)
    assert measured == pytest.approx(64 * KIB, rel=0.1)


def test_each_round_has_its_own_number_of_calls() -> None:
    held = [[START, START + 10 * MIB, START + 40 * MIB], [START, START + 20 * MIB]]
    assert growth_per_call(held, [[10, 30], [20]]) == pytest.approx(MIB)


def test_a_process_without_rounds_does_not_count() -> None:
    held = [[START, START + 10 * MIB, START + 20 * MIB, START + 30 * MIB], [START]]
    assert growth_per_call(held, [[10] * 3, []]) == pytest.approx(MIB)


@pytest.mark.parametrize(
    "kept",
    [
        lambda n: 0,
        lambda n: 50 * MIB if n else 0,  # fills in the first round
        lambda n: min(n, 200) * 100 * KIB,  # fills in two of six rounds
        lambda n: MIB << (n // 25).bit_length(),  # an arena that doubles
        lambda n: -100 * KIB * n,  # memory that is given back
        lambda n: 3 * MIB * (n // 100 % 2),  # taken in one round and given back in the next
    ],
    ids=["noise", "cache", "slow cache", "arena", "returned", "swings"],
)
@pytest.mark.parametrize("processes", [1, 4, 30])
def test_memory_that_stops_growing_is_no_leak(kept: Callable[[int], int], processes: int) -> None:
    for seed in range(20):
        assert growth(kept, 100, processes, 6, seed) == 0


def test_constant_memory_is_no_leak_for_any_number_of_rounds() -> None:
    for rounds in (1, 2, 3, 10, 100):
        for processes in (1, 2, 30):
            assert growth(lambda n: 0, 1, processes, rounds) == 0


def test_no_leak_is_reported_if_one_process_does_not_grow() -> None:
    growing, steady = [START + MIB * index for index in range(7)], [START] * 7
    assert growth_per_call([growing] * 4, [[1] * 6] * 4) == MIB
    assert growth_per_call([growing] * 4 + [steady], [[1] * 6] * 5) == 0


def test_two_rounds_are_too_few() -> None:
    assert growth(lambda n: MIB * n, 10, 1, 2) == 0
    assert growth(lambda n: MIB * n, 10, 1, 3) > 0
    assert growth_per_call([], []) == 0
    assert growth_per_call([[START]], [[]]) == 0


def test_memory_that_grows_in_the_first_rounds_of_each_process_is_no_leak() -> None:
    """As a runtime does that keeps the first outputs of a process for later calls: here 256 KiB each, read in bytes."""
    short = [0, 266_240, 790_528, 1_314_816, 1_576_960]
    longer = [*short, 1_576_960, 1_576_960, 1_576_960, 1_581_056]
    assert growth_per_call([short, short, longer], [[2] * 4, [2] * 4, [2] * 8]) == 0
    assert growth_per_call([short] * 4 + [longer], [[2] * 4] * 4 + [[2] * 8]) == 0


@pytest.mark.parametrize(
    ("leak", "calls", "rounds", "processes"), [(KIB, 100, 4, 5), (100 * KIB, 1, 4, 5), (MIB, 10, 2, 10)]
)
def test_a_leak_is_found_in_processes_of_few_rounds(leak: int, calls: int, rounds: int, processes: int) -> None:
    for seed in range(20):
        assert growth(lambda n: leak * n, calls, processes, rounds, seed, error_kib=8) == pytest.approx(leak, rel=0.1)
