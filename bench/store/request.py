"""A request for a run."""

from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from bench.core.layers import ModelLayers
from bench.core.target import Target

PROBLEMS, LAYERS = "problems", "layers"
"""What stands for the suite of a run of the user's own problems, and of a model's layers."""


def _parse_target(value: object) -> object:
    return Target.parse(value) if isinstance(value, str) else value


def _stored_as(name: str, attribute: str) -> Any:
    """Return a field, empty by default, that keeps its name in stored requests."""
    return Field(default=(), validation_alias=AliasChoices(attribute, name), serialization_alias=name)


class Request(BaseModel):
    """A request for a run: what to measure. A run is resumed only by an equal request.

    Stored requests call ``case_filters`` cases, and ``case_slugs`` problems.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    workloads: tuple[str, ...]
    suite: str
    target: Annotated[Target, BeforeValidator(_parse_target), PlainSerializer(str)]
    implementations: tuple[str, ...] = ()
    """Names of implementations; empty for all."""
    case_filters: tuple[str, ...] = _stored_as("cases", "case_filters")
    """Filters of the suite's cases such as ``groups=16``, which ``--case`` gives; empty for all cases."""
    case_slugs: tuple[str, ...] = _stored_as("problems", "case_slugs")
    """Slugs of the user's own cases, given with ``--problem`` in place of a suite; ``suite`` is then PROBLEMS."""
    model: ModelLayers | None = None
    """The model whose layers are measured in place of a suite; ``suite`` is then LAYERS."""
    plugins: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_one_source_of_cases(self) -> Self:
        stands_in = {PROBLEMS: bool(self.case_slugs), LAYERS: self.model is not None}
        if any(present != (self.suite == name) for name, present in stands_in.items()):
            raise ValueError(
                f"a suite, case_slugs (suite {PROBLEMS!r}) or a model (suite {LAYERS!r}): give one of them"
            )
        if self.model and (foreign := {layer.workload for layer in self.model.layers} - set(self.workloads)):
            raise ValueError(f"the model has layers of {', '.join(sorted(foreign))}, which is not among the workloads")
        if (self.case_slugs and self.workloads[1:]) or (any(stands_in.values()) and self.case_filters):
            raise ValueError("case_slugs are of one workload, and neither they nor a model's layers can be filtered")
        return self

    def own_cases(self) -> dict[str, tuple[str, ...]]:
        """Return the slugs of the cases that the request itself brings, by workload; empty where a suite has them."""
        if self.model is None:
            return {self.workloads[0]: self.case_slugs} if self.case_slugs else {}
        slugs: dict[str, list[str]] = {}
        for workload, slug in self.model.counts():
            slugs.setdefault(workload, []).append(slug)
        return {workload: tuple(cases) for workload, cases in slugs.items()}
