"""Filters of cases, as a user writes them: ``--case groups=16``."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from bench.core.errors import UsageError

Texts = Mapping[str, str]
"""The parameters of a case by their names, as ``Case.texts`` returns them."""


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are wanted: those that have one of the wanted values of each parameter that is named."""

    values: Mapping[str, frozenset[str]]

    @classmethod
    def parse(
        cls,
        filters: Sequence[str],
        cases: Collection[Texts],
        source: str,
        advice: Callable[[str, str], str] = lambda name, value: "",
    ) -> Self:
        """Return what ``filters`` such as ``groups=16`` describe together; values of one name are alternatives.

        Args:
            filters: the texts; none for all cases.
            cases: the parameters of all cases that there are.
            source: where these cases come from, such as ``suite first``, for messages.
            advice: takes the name of a parameter and a value that no case has, and returns what else to do; it ends the
                message about them.

        Raises:
            UsageError: where a filter has no value, no case has its parameter or its value, or none matches them all.
        """
        values: dict[str, set[str]] = {}
        for text in filters:
            name, value = _split(text, cases)
            values.setdefault(name, set()).add(value)
        case_filter = cls({name: frozenset(wanted) for name, wanted in values.items()})
        for name in values:
            case_filter._require_known(name, cases, source, advice)
        if filters and not any(map(case_filter.matches, cases)):
            raise UsageError(f"no case of {source} matches {' and '.join(filters)} together; drop one of them")
        return case_filter

    def matches(self, texts: Texts) -> bool:
        """Whether a case with these parameters is wanted."""
        return all(texts.get(name) in wanted for name, wanted in self.values.items())

    def _require_known(
        self, name: str, cases: Collection[Texts], source: str, advice: Callable[[str, str], str]
    ) -> None:
        """Raise UsageError where no case has the parameter ``name``, or one of its wanted values."""
        choices = {texts[name] for texts in cases if name in texts}
        if not choices:
            parameters = dict.fromkeys(parameter for texts in cases for parameter in texts)
            raise UsageError(f"no parameter {name!r} to filter by; choose from {', '.join(parameters)}")
        if not (unknown := self.values[name] - choices):
            return
        value = min(unknown)
        others = CaseFilter({other: wanted for other, wanted in self.values.items() if other != name})
        together = {texts[name] for texts in cases if name in texts and others.matches(texts)}
        message = (
            f"no case of {source} has {name}={value}, and --case only filters; "
            f"choose from {', '.join(_sorted(together or choices))}"
        )
        if "," in value:
            raise UsageError(f"{message}, and repeat --case {name}=... for each of several")
        raise UsageError(message + advice(name, value))


def _split(text: str, cases: Collection[Texts]) -> tuple[str, str]:
    """Return the name and the value of a filter; raise UsageError where it has no value."""
    name, equals, value = text.partition("=")
    if not equals:
        example = next((texts[name] for texts in cases if name in texts), "VALUE")
        raise UsageError(f"--case {text!r} has no value; write NAME=VALUE, such as {name}={example}")
    return name, value


def _sorted(values: Collection[str]) -> list[str]:
    """Return whole numbers in their order, and then other texts in theirs."""
    return sorted(values, key=lambda value: (not value.isdigit(), int(value) if value.isdigit() else 0, value))
