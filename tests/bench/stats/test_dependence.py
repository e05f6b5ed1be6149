"""Dependence between successive rounds inflates the variance of their median."""

import numpy as np
import pytest

from bench.stats.dependence import variance_inflation


def wander(memory: float, count: int = 2000) -> np.ndarray:
    """Return a stationary series whose lag-one correlation is ``memory``."""
    random = np.random.default_rng(0)
    values = random.standard_normal(count)
    for step in range(1, count):
        values[step] = memory * values[step - 1] + np.sqrt(1 - memory**2) * values[step]
    return values


def test_independent_values_are_hardly_inflated():
    inflations = [variance_inflation(np.random.default_rng(seed).standard_normal(60)) for seed in range(200)]
    assert min(inflations) == 1
    assert np.median(inflations) < 1.1


@pytest.mark.parametrize(("memory", "least", "most"), [(0.5, 1.8, 3.5), (0.9, 8, 28)])
def test_a_correlated_series_is_inflated(memory, least, most):
    """The inflation of the mean is (1 + memory) / (1 - memory), so 3 and 19; that of the median is somewhat less."""
    assert least < variance_inflation(wander(memory)) < most


def test_constant_values_are_not_inflated():
    assert variance_inflation(np.ones(20)) == 1
