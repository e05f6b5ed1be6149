"""An implementation: one way to compute a workload. One file, one small class, perhaps in several variants."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from bench.core.artifact import Artifact
from bench.core.layer_samples import LayerSamples
from bench.core.target import Target
from bench.core.workload import Call, Problem


class Implementation(ABC):
    """One way to compute a workload; its name is the name of its file, unless it has ``variants``.

    The registry finds each file in the folder of a workload, in ``impls`` or elsewhere; any other file is given with
    ``--plugin FILE`` or through the entry-point group ``featherbench.implementations``. A file holds one subclass, with
    a docstring whose first line says what the implementation is. The harness reads the class attributes below from the
    source text, without running it, so write them as plain literals. Only worker processes import the file, so import
    any library at its top. Each case is prepared several times, each time in a new process that imports the file anew.
    The libraries that ``requires`` names are imported before, once for all processes.

        class Mine(Implementation):
            '''My kernel, vectorised along the row.'''

            workload = "grouped_conv2d"
            requires = ("torch",)

            def unsupported(self, case):
                return None if case.dtype == "float32" else "only float32"

            def prepare(self, problem, target):
                weight = pack(problem.constants["weight"])
                return lambda: my_kernel(problem.inputs["x"], weight)

    A class can stand for a family. Each of its ``variants`` is an implementation of its own in every list, record and
    test, and named by its key; the values are the attributes in which it differs from the class. The methods read
    them from ``self``.

            tile = 4
            variants = {"mine": {}, "mine_wide": {"tile": 16, "summary": "My kernel, with tiles of 16."}}
    """

    workload: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions to install, as pip names them."""
    environment: ClassVar[tuple[str, ...]] = ()
    """Distributions that it runs with in place of the installed ones, such as ``("numpy==1.26.4",)``, where its
    libraries conflict with others. Its processes start in an environment of its own; see ``bench.environments``."""
    targets: ClassVar[tuple[str, ...]] = ("cpu", "edge")
    """Kinds of target that it can run on."""
    paper: ClassVar[str] = ""
    """Where its method was published, such as ``arXiv 2006.09791``."""
    note: ClassVar[str] = ""
    """A remark for readers of its numbers: what is inside the timed call and what is not."""
    setup: ClassVar[str] = ""
    """What comes before measuring on another machine, such as tuning: words, a colon and the command, or nothing."""
    summary: ClassVar[str] = ""
    """What it is, in a sentence; where it is empty, the first line of the class's docstring."""
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Attributes by the names of variants, a literal dict of dicts. Those of a variant are set on its instances after
    ``__init__``. The class must have each of them; ``workload`` is the same for all variants."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "supports" in vars(cls):
            raise TypeError(f"{cls.__name__}.supports is called unsupported now: rename the method")

    def unsupported(self, case: Any) -> str | None:
        """Return why ``case`` cannot be run, in the words that the report will show, or None where it can be run."""
        return None

    def artifacts(self, case: Any, target: Target) -> Sequence[Artifact]:
        """Return what ``prepare`` will load with ``bench.artifacts.load``, such as a trained network; usually nothing.

        It is built before, once, by ``featherbench build`` or at the beginning of a run, and kept for later runs. The
        workload must say that it ``uses_artifacts``.
        """
        return ()

    @abstractmethod
    def prepare(self, problem: Problem, target: Target) -> Call:
        """Do once what is not the computation (pack weights, compile, convert, train), and return the call to measure.

        The call takes no argument and returns the output: an array of the shape that the workload states, or a tuple of
        arrays where the workload says so. An array is numpy's, a PyTorch tensor, or what numpy can make an array of.
        The work must be done when the call returns, so wait for it in the call. The call must read ``problem.inputs``
        anew each time, since they are refilled in place.

        For a workload that trains, return a ``bench.core.trained.Trained``: such a call with its work and the history
        of its training. Facts about this call, such as a plan chosen for the case, are attached with ``with_facts``, or
        given as ``facts`` of a ``Trained``.
        """

    def has_layer_times(self, target: Target) -> bool:
        """Return whether its library has a profiler for ``layer_times``, which ``featherbench profile`` does."""
        return False

    def layer_times(self, problem: Problem, target: Target, calls: int) -> Sequence[LayerSamples]:
        """Compute the problem ``calls`` times under the profiler of a library, and return the times of its layers.

        They are in the order in which they are computed. It is called after ``prepare``, in the same process.
        """
        raise NotImplementedError


def with_facts(call: Call, facts: Mapping[str, str]) -> Call:
    """Attach facts to ``call``, a Python function, and return it; its records will hold them."""
    vars(call)[FACTS_ATTRIBUTE] = dict(facts)
    return call


FACTS_ATTRIBUTE = "facts"
"""Name of the attribute of a call that ``with_facts`` sets, and that every ``Trained`` has."""
