"""A computation to try the harness with: a chain of small matrix products, which takes about a millisecond."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from bench.core.case import Case
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.operator_workload import OperatorWorkload


class ChainCase(Case):
    """A chain of ``products`` products of float32 matrices (``size``, ``size``)."""

    size: int = Field(default=128, ge=1)
    products: int = Field(default=20, ge=1)


class Chain(OperatorWorkload):
    """Y = X W W ... W, with ``products`` products of (size, size) matrices."""

    title = "Chain of matrix products"
    case_type = ChainCase
    baseline = "chain"

    def suites(self) -> Mapping[str, Sequence[ChainCase]]:
        return {"first": [ChainCase()], "quick": [ChainCase()]}

    def problem(self, case: ChainCase, seed: int) -> Problem:
        """Return a problem with normal X, and orthogonal W, so that the chain neither grows nor fades."""
        normal = np.random.default_rng(0).standard_normal((case.size, case.size))
        w = np.linalg.qr(normal)[0].astype(np.float32)
        x = np.random.default_rng(seed).standard_normal((case.size, case.size), np.float32)
        return Problem(case, {"x": x}, {"w": w})

    def reference(self, problem: Problem) -> Array:
        w = problem.constants["w"].astype(np.float64)
        y: Array = problem.inputs["x"].astype(np.float64) @ np.linalg.matrix_power(w, problem.case.products)
        return y

    def tolerance(self, case: ChainCase) -> float:
        return 1e-4

    def work(self, case: ChainCase) -> Work:
        return Work(macs=case.products * case.size**3, least_bytes=3 * 4 * case.size**2, parameters=case.size**2)

    def random_case(self, pick: Pick[Any]) -> ChainCase:
        return ChainCase(size=pick(range(1, 64)), products=pick(range(1, 8)))


def chain(problem: Problem) -> Array:
    """Compute the chain."""
    y, w = problem.inputs["x"], problem.constants["w"]
    for _ in range(problem.case.products):
        y = y @ w
    return y
