"""SciPy's sparse matrices in compressed rows."""

import numpy as np
from scipy.sparse import csr_array

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem


class SciPy(Implementation):
    """A scipy.sparse.csr_array times x, and for the gradient its transpose times dy."""

    workload = "graph_propagation"
    requires = ("scipy",)
    note = (
        "Timed: the product. SciPy has no autograd: backward is matrix.T @ dy, written by hand, which reads the same "
        "arrays as compressed columns. Indices of 32 bits. One thread on every target: the product knows no more."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        case = problem.case
        row, col = (problem.constants[name].astype(np.int32) for name in ("row", "col"))
        matrix = csr_array((problem.constants["weight"], (row, col)), shape=(case.nodes, case.nodes))
        operator = matrix if case.passes == "forward" else matrix.T
        (features,) = problem.inputs.values()

        def call() -> Array:
            product: Array = operator @ features
            return product

        return call
