"""The parameters of a record's case, with those that a workload derives from them."""

from collections.abc import Mapping

from pydantic import ValidationError

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.record import Record


def with_derived(record: Record) -> dict[str, object]:
    """Return the parameters of a record's case, then the derived ones, where this checkout knows the workload."""
    try:
        case = registry.workload(record.workload).case_type.model_validate(record.parameters)
    except (UsageError, ValidationError):  # a workload or a case of another release
        return dict(record.parameters)
    return record.parameters | case.derived_parameters()


def derived(workload: str) -> Mapping[str, str]:
    """Return the derived parameters of a workload, each with the parameter that it can replace on an axis."""
    try:
        return registry.workload(workload).case_type.derived
    except UsageError:
        return {}
