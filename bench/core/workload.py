"""A workload: what is computed, on which cases, and how an answer is checked."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.core.case import Case
from bench.core.placement import aligned
from bench.core.record import Check, Work

Array = NDArray[Any]
Call = Callable[[], Any]
T = TypeVar("T")
Pick = Callable[[Sequence[T]], T]


@dataclass(frozen=True)
class Problem:
    """What an implementation is given.

    ``inputs`` change: the harness refills these very arrays between checks, so a call must read them each time, and
    must not write to them. ``constants`` (weights, a training set) never change: ``prepare`` may pack or convert them.
    On target ``cuda`` all of them are PyTorch tensors on the GPU; ``bench.measure.tensors`` converts.
    """

    case: Any
    inputs: dict[str, Array]
    constants: Mapping[str, Array]

    def aligned(self) -> Self:
        """The same problem in memory of its own, aligned alike wherever it is made."""
        inputs, constants = (
            {name: aligned(array) for name, array in arrays.items()} for arrays in (self.inputs, self.constants)
        )
        return type(self)(self.case, inputs, constants)

    def lay_out(self, name: str, order: tuple[int, ...]) -> Array:
        """Store an input in another memory order, e.g. (0, 2, 3, 1) for NCHW stored as NHWC; its shape stays.

        For implementations whose users keep such data throughout: the conversion is then no part of the timed call.
        """
        stored = aligned(self.inputs[name].transpose(order))
        self.inputs[name] = stored.transpose(np.argsort(order))
        return self.inputs[name]

    def refill(self, fresh: "Problem") -> None:
        """Copy the inputs of another problem into these very arrays."""
        for name, array in self.inputs.items():
            np.copyto(array, fresh.inputs[name])

    def on_host(self) -> "Problem":
        """The same problem where numpy can work on it."""
        return self


class Metric(NamedTuple):
    """One of a check's metrics, or of its curves."""

    name: str
    title: str
    """As a report names it."""
    meaning: str
    """In a sentence: how it is defined, and its unit."""
    share: bool = False
    """A fraction, shown as per cent."""
    more_is_better: bool | None = None
    """None: neither is."""

    @property
    def heading(self) -> str:
        """The title where it begins a line."""
        return self.title[:1].upper() + self.title[1:]


class Workload(ABC):
    """What is computed. One instance, found by the registry in ``impls/<name>/workload.py``.

    An operator, whose answer is compared, array by array, with a float64 reference, subclasses
    ``bench.measure.correctness.OperatorWorkload`` instead, which brings ``check``. A workload that trains is given a
    ``bench.core.trained.Trained`` as the call, and implements ``check`` as an evaluation, which returns metrics.
    """

    title: ClassVar[str]
    """How a report names it, e.g. ``Grouped 2-D convolution``."""
    remark: ClassVar[str] = ""
    """What every reader of its results should know, in whole sentences; mostly nothing."""
    case_type: ClassVar[type[Case]]
    baseline: ClassVar[str]
    """The implementation that ratios are taken against unless the user names another."""
    sweep: ClassVar[str | None] = None
    """The parameter to draw latency against, where there is one of interest."""
    metrics: ClassVar[tuple[Metric, ...]] = ()
    """What a check's metrics are, the one that implementations are judged by first."""
    repeats: ClassVar[str | None] = None
    """The parameter, a seed, that tells apart cases which are repeats of one experiment."""

    @abstractmethod
    def suites(self) -> Mapping[str, Sequence[Case]]:
        """The named lists of cases. ``quick`` must be among them and take about a minute."""

    @abstractmethod
    def problem(self, case: Any, seed: int) -> Problem:
        """Inputs and constants of a case, the same for the same seed."""

    @abstractmethod
    def check(self, problem: Problem, call: Call, seed: int) -> Check:
        """Whether ``call`` answers right on inputs made from ``seed``, which it refills ``problem.inputs`` with."""

    @abstractmethod
    def confirm(self, problem: Problem, call: Call, answer: Any) -> Check:
        """Whether ``answer``, which ``call`` returned while it was timed, is right for the inputs as they stand."""

    @abstractmethod
    def work(self, case: Any) -> Work | None:
        """The work of a case, by formula; None where each trained model has its own."""

    @abstractmethod
    def sample(self, pick: Pick[Any]) -> Case:
        """A random valid case for the contract tests, each choice made by ``pick`` from a sequence, simplest first."""

    def missing(self, case: Any) -> str | None:
        """What a case needs and this machine does not have, in a line with the command that gets it; mostly None."""
        return None

    def rehearsal(self, case: Any) -> Case | None:
        """Of a workload that trains, a case trained quickly, which sets up in a process what ``case`` will need.

        Without it, what libraries set up once would count as the model's memory. None where a case is prepared so
        quickly that it can simply be prepared twice.
        """
        return None

    def refill(self, problem: Problem, seed: int) -> None:
        """Put new inputs, made from ``seed``, into the arrays that ``problem`` already holds."""
        problem.refill(self.problem(problem.case, seed))
