"""An implementation: one way to compute a workload. One file, one small class."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from bench.core.target import Target
from bench.core.workload import Call, Problem


class Implementation(ABC):
    """One way to compute a workload; its name is the name of its file.

    A file in ``impls/<workload>/`` is found by itself; any other file is given with ``--plugin FILE`` or through the
    entry-point group ``featherbench.implementations``. It holds one subclass, with a docstring whose first line says
    what it is. The harness reads the class attributes below from the source text, without running it, so write them as
    plain literals; the file itself is only ever imported in a worker process, so import what you like at its top.

        class Mine(Implementation):
            '''My kernel, vectorised along the row.'''

            workload = "grouped_conv2d"
            requires = ("torch",)

            def supports(self, case):
                return None if case.dtype == "float32" else "only float32"

            def prepare(self, problem, target):
                weight = pack(problem.constants["weight"])
                return lambda: my_kernel(problem.inputs["x"], weight)
    """

    workload: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions to install, as pip names them."""
    targets: ClassVar[tuple[str, ...]] = ("cpu", "edge")
    """Kinds of target it can run on."""
    note: ClassVar[str] = ""
    """What a reader of its numbers must know: what is inside the timed call and what is not."""

    def supports(self, case: Any) -> str | None:
        """None where ``case`` can be run, otherwise the reason why not, as a reader of the report should see it."""
        return None

    @abstractmethod
    def prepare(self, problem: Problem, target: Target) -> Call:
        """Do once all that is not the computation (pack weights, compile, convert, train); return the call to measure.

        The call takes nothing and returns the answer: an array of the workload's stated shape (or a tuple of arrays,
        where the workload says so), numpy or anything that ``numpy.asarray`` can view. It must read ``problem.inputs``
        anew each time, since they are refilled in place. A workload that trains wants a
        ``bench.core.trained.Trained``, which is such a call with its work and the history of its training. What a
        reader should know of this very call, such as a plan chosen for the case, can be told with ``telling``, or in
        the ``facts`` of a ``Trained``.
        """


def telling(call: Call, facts: Mapping[str, str]) -> Call:
    """``call``, a Python function, with facts that its records will hold."""
    vars(call)[FACTS] = dict(facts)
    return call


FACTS = "facts"
"""The attribute of a call that ``telling`` sets, and that a ``Trained`` has by itself."""
