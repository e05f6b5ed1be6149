"""Describes implementations from the source text of their files, without importing them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core.class_source import read_class
from bench.core.errors import UsageError
from bench.core.implementation import Implementation
from bench.core.implementation_spec import ImplementationSpec

_PIN = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.!+-]+")


def describe(
    path: Path, *, name: str | None = None, workload: str | None = None, module: str | None = None
) -> list[ImplementationSpec]:
    """Describe the implementations in a file by its class's attributes; the file is not run.

    There is one, or one for each of the class's ``variants``. A file that cannot be parsed will fail in its worker.

    Args:
        path: the file.
        name: the implementation's name unless it has variants; by default the file's.
        workload: what it computes; by default what the class states.
        module: dotted name of the module, where the file is part of a package.

    Raises:
        UsageError: where ``requires`` or ``targets`` is not a tuple of names, ``environment`` is not a tuple of exact
            versions, or ``variants`` is not a plain dict of dicts.
    """
    name = name or path.stem
    source = read_class(path)
    if source is None:
        return [ImplementationSpec(name, workload, str(path), module)]
    specs = []
    variants: list[tuple[str | None, Mapping[str, Any]]] = [*source.variants.items()] or [(None, {})]
    for variant, overrides in variants:
        attributes = {**source.attributes, **overrides}
        specs.append(
            ImplementationSpec(
                name=variant or name,
                workload=workload or str(attributes["workload"]),
                path=str(path),
                module=module,
                requires=_names(path, "requires", attributes.get("requires", ())),
                environment=_pins(path, attributes.get("environment", ())),
                targets=_names(path, "targets", attributes.get("targets", Implementation.targets)),
                summary=_without_markup(str(attributes.get("summary") or source.first_line)),
                paper=str(attributes.get("paper", "")),
                note=str(attributes.get("note", "")),
                setup=str(attributes.get("setup", "")),
                variant=variant,
            )
        )
    return specs


def _without_markup(text: str) -> str:
    """Return a text without the quotes that reST puts around code, which neither terminals nor reports render."""
    return text.replace("``", "")


def _names(path: Path, attribute: str, value: object) -> tuple[str, ...]:
    if isinstance(value, tuple | list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise UsageError(f"{path}: {attribute} must be a tuple of names, such as ({value!r},), not {value!r}")


def _pins(path: Path, value: object) -> tuple[str, ...]:
    pins = _names(path, "environment", value)
    for pin in pins:
        if not _PIN.fullmatch(pin):
            raise UsageError(f"{path}: environment must state exact versions, such as numpy==1.26.4, not {pin}")
    return pins
