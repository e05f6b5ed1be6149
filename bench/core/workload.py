"""A workload: what is computed, on which cases, and how an output is checked."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.core.alignment import aligned
from bench.core.case import Case
from bench.core.layers import InputSize, WorkloadLayers
from bench.core.record import Check, Work

Array = NDArray[Any]
Call = Callable[[], Any]
EPOCH = "epoch"
T = TypeVar("T")
Pick = Callable[[Sequence[T]], T]


@dataclass(frozen=True)
class Problem:
    """The data that an implementation is given.

    ``inputs`` change: the harness refills these arrays in place between checks, so a call must read them each time and
    must not write to them. ``constants`` (weights, a training set) never change: ``prepare`` may pack or convert them.
    On target ``cuda`` all arrays are PyTorch tensors on the GPU; ``bench.measure.tensors`` converts them.
    """

    case: Any
    inputs: dict[str, Array]
    constants: Mapping[str, Array]

    def aligned(self) -> Self:
        """Return a copy of the problem whose arrays have the same alignment in every process."""
        inputs, constants = (
            {name: aligned(array) for name, array in arrays.items()} for arrays in (self.inputs, self.constants)
        )
        return type(self)(self.case, inputs, constants)

    def lay_out(self, name: str, order: tuple[int, ...]) -> Array:
        """Store an input in another memory order, e.g. (0, 2, 3, 1) for NCHW stored as NHWC; its shape stays.

        This is for implementations whose users keep all data in that order, so that the timed call need not convert it.

        Returns:
            The input as it is now stored.
        """
        stored = aligned(self.inputs[name].transpose(order))
        self.inputs[name] = stored.transpose(np.argsort(order))
        return self.inputs[name]

    def refill(self, fresh: "Problem") -> None:
        """Copy the inputs of another problem into the arrays of this one."""
        for name, array in self.inputs.items():
            np.copyto(array, fresh.inputs[name])

    def on_host(self) -> "Problem":
        """Return the same problem with arrays that numpy can work on."""
        return self


class Metric(NamedTuple):
    """Description of a metric, or of a curve, of a check."""

    name: str
    title: str
    """Name in a report."""
    meaning: str
    """Definition, in a sentence."""
    is_fraction: bool = False
    """Whether it is a fraction, which is shown as per cent."""
    higher_is_better: bool | None = None
    """None where neither direction is better."""
    unit: str = ""
    """What a record's number counts, such as ``s``, ``bytes`` or ``epochs``; empty for fractions and pure numbers."""
    along: str = EPOCH
    """What a curve has a value for, such as ``layer``."""

    @property
    def heading(self) -> str:
        """The title with a capital letter."""
        return self.title[:1].upper() + self.title[1:]

    @property
    def value_unit(self) -> str:
        """The unit in which a value is shown."""
        return "%" if self.is_fraction else self.unit

    @property
    def difference_unit(self) -> str:
        """The unit in which a difference of two values is shown."""
        return "points" if self.is_fraction else self.unit

    def with_unit(self, unit: str) -> str:
        """Return the title with a unit behind it, unless that is empty or a word of the title (``epochs to peak``)."""
        return self.title if not unit or unit in self.title.split() else f"{self.title}, {unit}"


class Workload(ABC):
    """A computation with its cases, in a folder ``<name>`` with its ``workload.py`` and a file for each implementation.

    The folder lies in ``impls``, or is given with ``--plugin FOLDER``; the entry-point group ``featherbench.workloads``
    names a package that is such a folder. The registry makes one instance of the class in ``workload.py``.

    The output of an operator is compared, array by array, with a float64 reference; an operator subclasses
    ``bench.measure.operator_workload.OperatorWorkload`` instead, which implements ``check``. A workload that trains is
    given a ``bench.core.trained.Trained`` as the call, and implements ``check`` as an evaluation that returns metrics.
    """

    title: ClassVar[str]
    """Name in a report, e.g. ``Grouped 2-D convolution``."""
    remark: ClassVar[str] = ""
    """Sentences that every reader of its results should know; usually empty."""
    case_type: ClassVar[type[Case]]
    baseline: ClassVar[str]
    """The implementation that ratios are taken against unless the user names another."""
    sweep: ClassVar[str | None] = None
    """The parameter to plot latency against, or None."""
    metrics: ClassVar[tuple[Metric, ...]] = ()
    """The metrics of a check. The first is the primary one, by which implementations are ranked."""
    seed_parameter: ClassVar[str | None] = None
    """The parameter that is a seed: cases that differ in nothing else are repeats of one experiment."""
    uses_artifacts: ClassVar[bool] = False
    """Whether its implementations have artifacts to make before they can be prepared."""
    evaluates: ClassVar[bool] = False
    """Whether ``evaluate`` returns metrics."""
    chapters: ClassVar[tuple[str, ...]] = ()
    """Chapters that it adds to a report of its results: ``("peeking",)`` for a file ``_chapter_peeking.py`` in its
    folder, which defines a ``bench.report.chapter.Chapter``."""

    @abstractmethod
    def suites(self) -> Mapping[str, Sequence[Case]]:
        """Return lists of cases by name; ``first`` (the most telling few) and ``quick`` (a minute) are among them."""

    @abstractmethod
    def problem(self, case: Any, seed: int) -> Problem:
        """Return the inputs and constants of a case, the same for the same seed."""

    @abstractmethod
    def check(self, problem: Problem, call: Call, seed: int) -> Check:
        """Refill ``problem.inputs`` with inputs made from ``seed``, and check the output of ``call`` for them."""

    @abstractmethod
    def check_output(self, problem: Problem, call: Call, output: Any) -> Check:
        """Check ``output``, which ``call`` returned while it was timed, against the current inputs."""

    def evaluate(self, problem: Problem, call: Call) -> Check:
        """Return how good a checked call is, by metrics and curves; it may change ``problem.inputs``.

        A run evaluates each implementation once for a case, after ``check`` has found that the call computes what it
        should. A workload whose ``check`` returns its metrics needs no evaluation.
        """
        return Check(passed=True)

    @abstractmethod
    def work(self, case: Any) -> Work | None:
        """Return the work of a case, by formula; None where each trained model has its own."""

    @abstractmethod
    def random_case(self, pick: Pick[Any]) -> Case:
        """Return a random valid case for contract tests; ``pick`` makes each choice from a sequence, simplest first."""

    def layers_of(self, model: str, inputs: tuple[InputSize, ...]) -> WorkloadLayers:
        """Return the layers of a model that this workload computes; usually it computes no layers of models.

        Args:
            model: ``FILE.onnx``, ``torchvision:NAME`` or ``module:function``.
            inputs: the sizes of the model's inputs, as far as it leaves them open.

        Raises:
            UsageError: where the model cannot be read.
        """
        return WorkloadLayers({})

    def model_case(self, model: str, inputs: tuple[InputSize, ...]) -> Case | None:
        """Return the case that computes a whole model of the user's; usually no case does.

        Args:
            model: ``FILE.onnx``, ``torchvision:NAME`` or ``module:function``.
            inputs: the size of its input, if it is known.

        Raises:
            UsageError: where the model cannot be read.
        """
        return None

    def process_tolerance(self, case: Any) -> float:
        """Return how far outputs for the same inputs may differ from process to process; usually not at all."""
        return 0.0

    def missing(self, case: Any) -> str | None:
        """Return what a case needs and this machine lacks, in a line with the command that gets it; usually None."""
        return None

    def warmup_case(self, case: Any) -> Case | None:
        """Return a case that trains quickly and makes libraries set up what ``case`` will need in the process.

        Without it, what libraries set up once would count as the model's memory. Only workloads that train need it. It
        is None where a case is prepared so quickly that it can simply be prepared twice.
        """
        return None

    def refill(self, problem: Problem, seed: int) -> None:
        """Put new inputs, made from ``seed``, into the arrays that ``problem`` already holds."""
        problem.refill(self.problem(problem.case, seed))
