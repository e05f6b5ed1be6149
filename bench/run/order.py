"""The order in which implementations are timed."""

from collections.abc import Iterator
from random import Random
from typing import TypeVar

T = TypeVar("T")


def orders(items: list[T], seed: int) -> Iterator[list[T]]:
    """Yield rounds without end, each an order of all items.

    Every len(items) rounds form a Latin square with shuffled rows and columns: each item is once at every position,
    so that none gains from always following another, and nothing periodic on the machine can follow the order.
    """
    random = Random(seed)
    while True:
        columns = random.sample(items, len(items))
        shifts = random.sample(range(len(items)), len(items))
        yield from (columns[shift:] + columns[:shift] for shift in shifts)
