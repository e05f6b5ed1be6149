"""The order of rounds is balanced, and nothing periodic can coincide with it."""

from itertools import islice

import pytest

from bench.run.order import orders


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", [0, 1, 99])
def test_each_item_has_each_position_once_in_as_many_rounds_as_there_are_items(count: int, seed: int) -> None:
    """Rounds form one Latin square after another."""
    items = [f"item {number}" for number in range(count)]
    rounds = list(islice(orders(items, seed), 2 * count))
    for square in (rounds[:count], rounds[count:]):
        for line in [*square, *zip(*square, strict=True)]:  # rows and columns
            assert sorted(line) == items


def test_squares_differ_from_one_another() -> None:
    rounds = list(islice(orders(list(range(6)), seed=1), 60))
    squares = {tuple(map(tuple, rounds[start : start + 6])) for start in range(0, 60, 6)}
    assert len(squares) == 10


def test_the_same_seed_gives_the_same_order() -> None:
    first, again, other = (list(islice(orders(list(range(5)), seed), 20)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_items_given_stay_as_they_are() -> None:
    items = [1, 2, 3]
    next(orders(items, seed=0))
    assert items == [1, 2, 3]
