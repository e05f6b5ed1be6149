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


@pytest.mark.parametrize(("processes", "rounds"), [(1, 20), (4, 20)])
def test_a_leak_of_64_bytes_is_found_in_10_000_calls_of_a_process(processes: int, rounds: int) -> None:
    for seed in range(20):
        measured = growth(lambda n: 64 * n, 10_000 // rounds, processes, rounds, seed, error_kib=8)
        assert measured == pytest.approx(64, rel=0.1)


@pytest.mark.parametrize("step", [128 * KIB, MIB, 64 * MIB])
@pytest.mark.parametrize(("processes", "rounds"), [(1, 20), (5, 4), (12, 8)])
def test_a_single_step_of_each_process_is_no_leak(step: int, processes: int, rounds: int) -> None:
    for last in range(rounds):
        for seed in range(5):
            assert growth(lambda n, last=last: step if n > 500 * last else 0, 500, processes, rounds, seed) == 0


def test_a_little_in_each_round_of_short_processes_is_no_leak() -> None:
    """Allocators touch a few more pages in each of the first rounds of a process."""
    for seed in range(20):
        assert growth(lambda n: 50 * n, 500, 5, 4, seed, error_kib=8) == 0


def test_each_round_has_its_own_number_of_calls() -> None:
    held = [START + total * MIB for total in (0, 10, 40, 45, 65, 95)]
    assert growth_per_call([held], [[10, 30, 5, 20, 30]]) == pytest.approx(MIB)


def test_a_process_without_rounds_does_not_count() -> None:
    held = [[START + total * MIB for total in range(6)], [START]]
    assert growth_per_call(held, [[1] * 5, []]) == pytest.approx(MIB)


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


def test_four_rounds_of_a_process_are_too_few() -> None:
    assert growth(lambda n: MIB * n, 10, 1, 4) == 0
    assert growth(lambda n: MIB * n, 10, 1, 5) > 0
    assert growth_per_call([], []) == 0
    assert growth_per_call([[START]], [[]]) == 0
