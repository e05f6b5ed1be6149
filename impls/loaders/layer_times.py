"""Puts what profilers say of single calls together."""

from collections.abc import Callable

WARMUP_CALLS = 5
"""Calls before those that count."""

LayerTimes = list[tuple[str, list[float]]]
"""Each layer, in the order in which they are computed, with its time in each call, s, or only their mean."""


def repeat(call: Callable[[], list[tuple[str, float]]], calls: int) -> LayerTimes:
    """Return the times of the layers in ``calls`` calls, after some that do not count.

    Args:
        call: returns each layer with its time, s: the same layers each time.
        calls: how many count.
    """
    for _ in range(WARMUP_CALLS):
        call()
    results = [call() for _ in range(calls)]
    return [(layer[0][0], [seconds for _, seconds in layer]) for layer in zip(*results, strict=True)]
