"""A case: one problem, given by named parameters."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.core.errors import UsageError

MAX_SIZE = 1 << 20
"""Upper limit of channels, heights and widths, far beyond any network's: anything larger would only exhaust memory."""
DEFAULTS = "(defaults)"
"""Text for a case whose parameters all have their defaults, since its slug is empty."""


class Case(BaseModel):
    """One problem of a workload: a frozen, hashable set of named parameters.

    A workload subclasses it with its own typed fields and validators. Fields are numbers, booleans, strings, or tuples
    of these with a fixed length.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    derived: ClassVar[Mapping[str, str]] = {}
    """Properties that filters, tables and figures know like parameters, each with the parameter that determines it
    together with others, and in whose place it can stand on an axis."""

    def texts(self) -> dict[str, str]:
        """Return every parameter as a user writes it, as in ``--case groups=16`` or ``--case padding=0x1x0x1``.

        Derived parameters come last.
        """
        return {name: parameter_text(getattr(self, name)) for name in (*type(self).model_fields, *self.derived)}

    def derived_parameters(self) -> dict[str, Any]:
        """Return the values of the derived parameters by name."""
        return {name: getattr(self, name) for name in self.derived}

    @property
    def slug(self) -> str:
        """The parameters that differ from their defaults, e.g. ``cin=64,cout=64,h=56,w=56,groups=16``.

        Two cases of one type have equal slugs only if they are equal.
        """
        fields = type(self).model_fields
        return ",".join(
            f"{name}={text}"
            for name, text in self.texts().items()
            if name in fields and getattr(self, name) != fields[name].default
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the case that ``text`` describes, such as ``cin=96,cout=96,h=28,w=28``; it may leave out defaults.

        The slug of a case describes that very case.

        Raises:
            UsageError: where a parameter is unknown, has no value or is given twice, or values are not valid.
        """
        parameters: dict[str, object] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            name, equals, value = part.partition("=")
            if name in cls.derived:
                raise UsageError(f"{name} follows from other parameters; give {cls.derived[name]} instead")
            if name not in cls.model_fields:
                raise UsageError(f"no parameter {name!r}; choose from {', '.join(cls.model_fields)}")
            if not equals or name in parameters:
                raise UsageError(f"{name} is given twice" if equals else f"{name} has no value; write {name}=VALUE")
            parameters[name] = _parse(name, value, cls.model_fields[name].annotation)
        return cls.from_parameters(parameters)

    @classmethod
    def from_parameters(cls, parameters: dict[str, object]) -> Self:
        """Return the case with these parameters.

        Raises:
            UsageError: where they are not valid together.
        """
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise UsageError(f"not a valid case: {'; '.join(_problems(error))}") from None


def _problems(error: ValidationError) -> Iterator[str]:
    """Yield what is wrong with the parameters of a case: the missing ones together, then each of the others once."""
    missing = [str(detail["loc"][0]) for detail in error.errors() if detail["type"] == "missing"]
    if missing:
        *others, last = missing
        yield f"{', '.join(others)} and {last} are missing" if others else f"{last} is missing"
    yield from dict.fromkeys(
        ": ".join((*map(str, detail["loc"][:1]), detail["msg"].removeprefix("Value error, ")))
        for detail in error.errors()
        if detail["type"] != "missing"
    )


def _parse(name: str, text: str, annotation: Any) -> object:
    """Return ``text`` as pydantic takes it: a tuple's parts are joined by x, and one part stands for equal ones.

    Raises:
        UsageError: where a tuple has another number of parts.
    """
    if get_origin(annotation) is not tuple:
        return text
    parts, count = text.split("x"), len(get_args(annotation))
    if len(parts) not in (1, count):
        example = "x".join(["1"] * count)
        raise UsageError(f"{name} takes 1 or {count} values joined by x, such as {example}, not {len(parts)}")
    return tuple(parts * count if len(parts) == 1 else parts)


def parameter_text(value: object) -> str:
    """Return the value of a parameter as a user writes it; a list counts as the tuple that JSON made it of."""
    if isinstance(value, tuple | list):
        return parameter_text(value[0]) if len(set(value)) == 1 else "x".join(parameter_text(part) for part in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
