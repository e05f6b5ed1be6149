"""Serial dependence of successive rounds, which hold less information than independent ones."""

import math

import numpy as np
from numpy.typing import NDArray


def variance_inflation(values: NDArray[np.float64]) -> float:
    """Return the factor, at least 1, by which serial dependence inflates the variance of the median of ``values``.

    ``values`` (n,) are in the order measured, in any unit. n divided by the factor is the effective sample size, which
    is therefore never larger than n.

    The variance of a median is proportional to the long-run variance of the signs around it (Gastwirth & Rubin 1975,
    The behavior of robust estimators on dependent data), that is to ``1 + 2 * sum of the signs' autocorrelations``. The
    lags are summed in pairs, up to the first pair that is not positive (after the initial positive sequence of Geyer
    1992, Practical Markov chain Monte Carlo, section 3.3, but with pairs from lag 1), so that the length of the memory
    needs no guess. For a strict alternation of fast and slow, whose pairs nearly cancel, the factor is too large: 1.1
    to 1.6 at n = 40, where it should be 1. Two choices are our own, made by simulation (``test_coverage.py``):

    - signs are averaged with midranks. Signs alone are too coarse to show a slow drift in a few tens of rounds; ranks
      show it and resist outliers as well, but overstate the dependence a little where bursts go both ways.
    - autocorrelations around an estimated centre come out low by the long-run variance over n (Marriott & Pope 1954,
      and Kendall 1954, for the mean); the result is consistent with its own correction for that.
    """
    count = values.size
    ordered = np.sort(values)
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    # Midranks: with ordinal ranks, ties (a coarse timer) would be ranked by time and look like a drift.
    midranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    signs, ranks = _standardised(np.sign(values - median)), _standardised(midranks.astype(np.float64))
    if signs is None or ranks is None:  # all values are equal, so nothing drifts
        return 1.0

    def autocorrelation(lag: int) -> float:
        # The average over both kinds of score; 1 / (n - 1) makes it zero on average for independent values.
        products = signs[:-lag] @ signs[lag:] + ranks[:-lag] @ ranks[lag:]
        return float(products) / 2 / (count - lag) + 1 / (count - 1)

    dependence = weights = 0.0
    for lag in range(1, count // 2, 2):
        first, second = autocorrelation(lag), autocorrelation(lag + 1)
        if first + second <= 0:
            break
        # A sum over n values holds n - lag pairs at this lag, hence the weights.
        first_weight, second_weight = 1 - lag / count, 1 - (lag + 1) / count
        dependence += 2 * (first * first_weight + second * second_weight)
        weights += 2 * (first_weight + second_weight)
    # The excess e solves e = dependence + weights * e / n; weights / n stays under 3/4, as no lag exceeds n / 2.
    return 1 + max(0.0, dependence) / (1 - weights / count)


def _standardised(scores: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return ``scores`` (n,) with mean 0 and variance 1, or None where all of them are equal."""
    centred = scores - scores.sum() / scores.size
    power = float(centred @ centred) / scores.size
    return centred / math.sqrt(power) if power > 0 else None
