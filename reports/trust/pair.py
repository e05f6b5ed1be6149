"""Pairs of functions to compare: an implementation on a case, and its copy, perhaps slower in some or all calls."""

from dataclasses import dataclass
from pathlib import Path

from bench.core import registry
from bench.core.case import Case
from bench.core.describe import describe
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import load
from bench.core.target import Target
from bench.core.workload import Call
from bench.doctor.copies import Slowdown, write_copy
from bench.measure.allocator import keep_freed_memory
from bench.run.protocol import case_seed

WORKLOAD = "grouped_conv2d"
EDGE = Target("edge")


@dataclass(frozen=True)
class Pair:
    """The sources of the two functions: the implementation, and the plug-in file that holds its copy."""

    implementation: str
    copy: Path
    case: Case
    slowdown: float
    """Average slowdown of the copy, as a fraction; 0 where the two are identical."""

    @property
    def original_source(self) -> str:
        """Statements that prepare the original as ``call``, for the files that other tools run."""
        return _source(self.implementation, self.case.slug)

    @property
    def copy_source(self) -> str:
        """Statements that prepare the copy as ``call``."""
        return _source(self.implementation, self.case.slug, str(self.copy))


def write_pair(implementation: str, case: Case, slowdown: float, folder: Path, every: int = 1) -> Pair:
    """Write the copy, slower in every ``every``-th call, into ``folder``.

    Args:
        implementation: name of an implementation of grouped_conv2d.
        case: the case that both functions run.
        slowdown: average slowdown of the copy, as a fraction.
        folder: folder for the copy's plug-in file.
        every: 1 for a copy that is slower in every call.

    Raises:
        UsageError: where the implementation is unknown or unavailable.
    """
    spec = _spec(implementation)
    if missing := spec.missing():
        raise UsageError(f"{implementation} {missing}")
    copy = write_copy(spec, folder, Slowdown(slowdown, every) if slowdown else None)
    return Pair(implementation, copy, case, slowdown)


def find_case(slug: str) -> Case:
    """Return the case of suite ``full`` with this slug.

    Raises:
        UsageError: where there is none.
    """
    cases = registry.workload(WORKLOAD).suites()["full"]
    for case in cases:
        if case.slug == slug:
            return case
    raise UsageError(f"no case {slug!r} of {WORKLOAD}; choose from {', '.join(case.slug for case in cases)}")


def prepared(implementation: str, slug: str, copy: str | None = None) -> Call:
    """Return the call of an implementation, or of its ``copy`` in a plug-in file, prepared as Featherbench does it.

    The C library is told to keep freed memory. Otherwise some processes spend half of each call on page faults and
    others none, whichever function they run.
    """
    keep_freed_memory()
    case = find_case(slug)
    spec = describe(Path(copy))[0] if copy else _spec(implementation)
    problem = registry.workload(WORKLOAD).problem(case, case_seed(slug)).aligned()
    return load(spec).prepare(problem, EDGE)


def _source(*arguments: str) -> str:
    return f"from reports.trust.pair import prepared\n\ncall = prepared{arguments!r}\n"


def _spec(implementation: str) -> ImplementationSpec:
    specs = [spec for spec in registry.implementations() if spec.workload == WORKLOAD]
    for spec in specs:
        if spec.name == implementation:
            return spec
    names = ", ".join(spec.name for spec in specs)
    raise UsageError(f"no implementation {implementation!r} of {WORKLOAD}; choose from {names}")
