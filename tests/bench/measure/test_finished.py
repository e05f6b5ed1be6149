"""The output of a call is finished when the call returns, or it is refused."""

import asyncio
import time
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from bench.core.record import Work
from bench.core.trained import Trained
from bench.measure.finished import UnfinishedError, synchronous


class AsyncArray:
    """An array like JAX's, which can be converted to numpy's after waiting for it."""

    def __init__(self) -> None:
        self.ready = False

    def block_until_ready(self) -> "AsyncArray":
        self.ready = True
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        assert self.ready
        return np.arange(3.0)


class DlpackArray:
    def __dlpack__(self, **options: Any) -> Any:
        return np.arange(3.0).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.arange(3.0).__dlpack_device__()


class Pair(NamedTuple):
    left: Any
    right: Any


async def later() -> Any:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    "output", [np.arange(3.0), torch.arange(3.0), torch.nn.Parameter(torch.arange(3.0)), None, 2.0]
)
def test_a_finished_output_is_returned_unchanged(output: Any) -> None:
    assert synchronous(lambda: output)() is output


@pytest.mark.parametrize(
    "output",
    [AsyncArray(), DlpackArray(), memoryview(np.arange(3.0)), [0.0, 1.0, 2.0]],
    ids=lambda output: type(output).__name__,
)
def test_an_output_that_can_be_waited_for_becomes_an_array(output: Any) -> None:
    array = synchronous(lambda: output)()
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array, [0, 1, 2])


def test_every_item_of_a_tuple_becomes_an_array() -> None:
    left, right = synchronous(lambda: Pair(AsyncArray(), np.arange(2.0)))()
    assert (type(left), type(right)) == (np.ndarray, np.ndarray)


@pytest.mark.parametrize(
    ("returns", "words"),
    [
        (Future, "a Future: wait for it in the call"),
        (later, "a coroutine: wait for it in the call"),
        (lambda: iter([1.0]), "a list_iterator: compute in the call"),
        (
            lambda: torch.arange(3.0).as_subclass(type("Lazy", (torch.Tensor,), {})),
            "a Lazy, a subclass of torch.Tensor",
        ),
        (lambda: {"y": np.arange(3.0)}, "a dict, which is not an array"),
        (lambda: (np.arange(3.0), Future()), "a Future"),
        (lambda: lambda: np.arange(3.0), "a function, which is not an array"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine 'later' was never awaited")
def test_an_output_that_cannot_be_waited_for_is_refused(returns: Any, words: str) -> None:
    with pytest.raises(UnfinishedError, match=words):
        synchronous(returns)()


def test_a_trained_model_stays_a_trained_model() -> None:
    trained = Trained(AsyncArray, Work(macs=1, least_bytes=1, parameters=1), {"loss": [1.0]})
    finished = synchronous(trained)
    assert isinstance(finished, Trained)
    assert finished.history == trained.history
    np.testing.assert_array_equal(finished(), [0, 1, 2])


def test_checking_a_finished_output_costs_little() -> None:
    """It takes less than 1 us; an empty Python call takes 30 to 100 ns."""
    output = np.arange(3.0)
    call = synchronous(lambda: output)
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter_ns()
        for _ in range(1000):
            call()
        best = min(best, (time.perf_counter_ns() - began) / 1000)
    assert best < 1000
