"""A query over records, in the words of ``featherbench run``: workload, suite, implementations, cases and target."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from bench.core import registry
from bench.core.case import Case, parameter_text
from bench.core.case_filter import CaseFilter, Texts
from bench.core.errors import UsageError
from bench.core.record import Record
from bench.core.target import Target
from bench.report.parameters import with_derived
from bench.store import Run


class Match(NamedTuple):
    """A record that a query selects, with its run."""

    run: Run
    record: Record


class Query(BaseModel):
    """Which records are wanted. Each field is what the option of its name is for ``featherbench run``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workload: str
    suite: str
    impl: tuple[str, ...] = ()
    """Names of implementations; empty for all."""
    case: tuple[str, ...] = ()
    """Filters such as ``groups=16``; values of one name are alternatives; empty for all cases."""
    target: str = "edge"

    def narrowed(self, impl: tuple[str, ...], case: tuple[str, ...]) -> Self:
        """Return this query with its implementations replaced, where ``impl`` names any, and with more filters."""
        return self.model_copy(update={"impl": impl or self.impl, "case": (*self.case, *case)})

    def cases(self) -> list[Case]:
        """Return the cases of the suite that match every filter.

        Raises:
            UsageError: where the workload, suite, target, or a name or value of a filter is not known, or no case
                matches; the message lists the choices.
        """
        Target.parse(self.target)
        suites = registry.workload(self.workload).suites()
        if self.suite not in suites:
            raise UsageError(f"{self.workload} has no suite {self.suite!r}; choose from {', '.join(suites)}")
        cases = list(suites[self.suite])
        case_filter = CaseFilter.parse(self.case, [case.texts() for case in cases], f"suite {self.suite}")
        return [case for case in cases if case_filter.matches(case.texts())]

    def check(self, implementations: Collection[str] = ()) -> None:
        """Raise UsageError where the query names something that this checkout does not know, or selects no case.

        Args:
            implementations: names that must be known besides those of the query.
        """
        self.cases()
        known = _implementations(self.workload)
        if unknown := sorted({*self.impl, *implementations}.difference(known)):
            raise UsageError(f"{self.workload} has no implementation {unknown[0]!r}; choose from {', '.join(known)}")

    def select(self, runs: Sequence[Run]) -> list[Match]:
        """Return the records of ``runs`` that the query describes, run by run in the order recorded."""
        slugs = {case.slug for case in self.cases()}
        return [
            Match(run, record)
            for run in runs
            for record in run.records
            if (record.workload, record.target) == (self.workload, self.target)
            and record.case in slugs
            and (not self.impl or record.implementation in self.impl)
        ]

    def options(self) -> str:
        """Return the query as the options of ``featherbench run``."""
        parts = [self.workload, f"--suite {self.suite}", f"--target {self.target}"]
        parts += [f"--impl {','.join(self.impl)}"] if self.impl else []
        return " ".join([*parts, *(f"--case {text}" for text in self.case)])


@cache
def _implementations(workload: str) -> list[str]:
    """Return the names of the implementations of a workload; cached, as all their files are read for it."""
    return sorted(entry.name for entry in registry.implementations() if entry.workload == workload)


def case_texts(record: Record) -> Texts:
    """Return the parameters of a record's case, derived ones included, as a user writes them."""
    return {name: parameter_text(value) for name, value in with_derived(record).items()}
