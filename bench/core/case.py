"""A case: one problem, given by named parameters."""

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.core.errors import BadUse


class Case(BaseModel):
    """One problem of a workload: a frozen, hashable set of named parameters.

    A workload subclasses it with its own typed fields and validators. Fields are numbers, booleans, strings, or tuples
    of these with a fixed length.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def texts(self) -> dict[str, str]:
        """Every parameter as a user writes it, as in ``--case groups=16`` or ``--case padding=0x1x0x1``."""
        return {name: _text(getattr(self, name)) for name in type(self).model_fields}

    @property
    def slug(self) -> str:
        """The parameters that differ from their defaults, e.g. ``cin=64,cout=64,h=56,w=56,groups=16``.

        Two cases of one type have equal slugs only if they are equal.
        """
        fields = type(self).model_fields
        return ",".join(
            f"{name}={text}" for name, text in self.texts().items() if getattr(self, name) != fields[name].default
        )

    @classmethod
    def from_parameters(cls, parameters: dict[str, object]) -> Self:
        """The case with these parameters; raises BadUse where they are not valid together."""
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'case'}: {e['msg'].removeprefix('Value error, ')}"
                for e in error.errors()
            )
            raise BadUse(f"not a valid case: {problems}") from None


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return _text(value[0]) if len(set(value)) == 1 else "x".join(_text(part) for part in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
