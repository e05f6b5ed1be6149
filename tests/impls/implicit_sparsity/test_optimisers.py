"""Two steps of each optimiser, with either decay, against formulas in float64."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from bench.core.workload import Array
from impls.implicit_sparsity._optimisers import OPTIMISERS, create_optimiser

Step = Callable[[Array], Array]
STRENGTH = 0.05


def sgd(rate: float) -> Step:
    momentum = 0.0

    def step(gradient: Array) -> Array:
        nonlocal momentum
        momentum = 0.9 * momentum + gradient
        return rate * np.asarray(momentum)

    return step


def adam(rate: float, largest: bool = False) -> Step:
    first, second, highest, count = 0.0, 0.0, 0.0, 0

    def step(gradient: Array) -> Array:
        nonlocal first, second, highest, count
        count += 1
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        highest = np.maximum(highest, second)
        used = (highest if largest else second) / (1 - 0.999**count)
        update: Array = rate * first / (1 - 0.9**count) / (np.sqrt(used) + 1e-8)
        return update

    return step


def amsgrad(rate: float) -> Step:
    return adam(rate, largest=True)


def adamax(rate: float) -> Step:
    first, largest, count = 0.0, 0.0, 0

    def step(gradient: Array) -> Array:
        nonlocal first, largest, count
        count += 1
        first = 0.9 * first + 0.1 * gradient
        largest = np.maximum(0.999 * largest, np.abs(gradient) + 1e-8)
        return rate / (1 - 0.9**count) * first / np.asarray(largest)

    return step


def adagrad(rate: float) -> Step:
    total = 0.0

    def step(gradient: Array) -> Array:
        nonlocal total
        total = total + gradient**2
        return rate * gradient / (np.sqrt(total) + 1e-10)

    return step


def adadelta(rate: float) -> Step:
    squares, updates = 0.0, 0.0

    def step(gradient: Array) -> Array:
        nonlocal squares, updates
        squares = 0.9 * squares + 0.1 * gradient**2
        update = np.sqrt(updates + 1e-6) / np.sqrt(squares + 1e-6) * gradient
        updates = 0.9 * updates + 0.1 * update**2
        return rate * np.asarray(update)

    return step


def rmsprop(rate: float) -> Step:
    squares = 0.0

    def step(gradient: Array) -> Array:
        nonlocal squares
        squares = 0.99 * squares + 0.01 * gradient**2
        return rate * gradient / (np.sqrt(squares) + 1e-8)

    return step


RULES = {
    "sgd": sgd,
    "adam": adam,
    "amsgrad": amsgrad,
    "adamax": adamax,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "rmsprop": rmsprop,
}
RATES = {
    "sgd": 0.01,
    "adam": 0.001,
    "amsgrad": 0.001,
    "adamax": 0.002,
    "adagrad": 0.01,
    "adadelta": 1.0,
    "rmsprop": 0.001,
}


def gradients() -> Iterator[Array]:
    """Yield the gradients of two steps; some fall, so that AMSGrad's maximum differs from Adam's average."""
    yield np.array([1.0, -0.5, 0.3, 0.02])
    yield np.array([0.001, -0.7, -0.2, 0.0])


@pytest.mark.parametrize("decay", ["none", "l2", "decoupled"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_two_steps_are_those_of_the_formula(name: str, decay: str) -> None:
    start = np.array([0.8, -1.5, 0.4, 2.0])
    parameter = torch.nn.Parameter(torch.tensor(start))
    groups = [{"params": [parameter], "weight_decay": STRENGTH if decay == "l2" else 0.0}]
    optimiser = create_optimiser(OPTIMISERS[name], groups, STRENGTH if decay == "decoupled" else 0.0)
    expected, step = start, RULES[name](RATES[name])
    for gradient in gradients():
        parameter.grad = torch.tensor(gradient)
        optimiser.step()
        penalised = gradient + STRENGTH * expected if decay == "l2" else gradient
        expected = expected - step(penalised)
        if decay == "decoupled":
            expected = expected * (1 - STRENGTH)
        assert parameter.detach().numpy() == pytest.approx(expected, rel=1e-6)


def test_every_optimiser_has_a_rule() -> None:
    assert list(OPTIMISERS) == list(RULES)


def test_decoupled_decay_does_not_depend_on_the_learning_rate() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    optimiser = create_optimiser(OPTIMISERS["adam"], [{"params": [parameter], "weight_decay": 0.0}], 0.25)
    for group in optimiser.param_groups:
        group["lr"] = 1e-9
    parameter.grad = torch.zeros(3)
    optimiser.step()
    assert parameter.tolist() == pytest.approx([0.75] * 3)
