"""Describes implementations from the source text of their files, without importing them."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.core.errors import UsageError
from bench.core.implementation import Implementation
from bench.core.implementation_spec import ImplementationSpec


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
        UsageError: where ``requires`` or ``targets`` is not a tuple of names, or ``variants`` is not a plain dict of
            dicts.
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
                targets=_names(path, "targets", attributes.get("targets", Implementation.targets)),
                summary=str(attributes.get("summary") or source.first_line),
                paper=str(attributes.get("paper", "")),
                note=str(attributes.get("note", "")),
                variant=variant,
            )
        )
    return specs


class ClassSource(NamedTuple):
    """What the source text of an implementation's class says."""

    name: str
    first_line: str
    """The first line of its docstring."""
    attributes: Mapping[str, Any]
    """The attributes that are literals."""
    variants: Mapping[str, Mapping[str, Any]]
    """The attributes that each variant overrides, by its name; empty where there are none."""


def read_class(path: Path) -> ClassSource | None:
    """Read the first class of a file that states its ``workload``; None where there is none, or no valid Python.

    Raises:
        UsageError: where ``variants`` is not a plain dict of dicts.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # ValueError: null bytes, before Python 3.12
        return None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and "workload" in (attributes := _literals(node)):
            docstring = ast.get_docstring(node) or ""
            variants = attributes.pop("variants", {})
            _require_variants(path, variants)
            return ClassSource(node.name, docstring.partition("\n")[0], attributes, variants)
    return None


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    """Return the attributes that are literals; for ``variants``, its text where it is something else."""
    literals: dict[str, Any] = {}
    for statement in node.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                try:
                    literals[name] = ast.literal_eval(value)
                except ValueError:  # not a literal, so not an attribute that is read here
                    if name == "variants":
                        literals[name] = ast.unparse(value)
    return literals


def _require_variants(path: Path, variants: object) -> None:
    example = '{"direct": {}, "winograd": {"winograd": True}}'
    if not isinstance(variants, dict) or not all(isinstance(overrides, dict) for overrides in variants.values()):
        raise UsageError(f"{path}: variants must be a plain dict of dicts, such as {example}, not {variants!r}")
    for name, overrides in variants.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise UsageError(f"{path}: {name!r} cannot name a variant; use letters, digits and _")
        if shared := overrides.keys() & {"workload", "variants"}:
            raise UsageError(f"{path}: variant {name} cannot have a {min(shared)} of its own; write another file")


def _names(path: Path, attribute: str, value: object) -> tuple[str, ...]:
    if isinstance(value, tuple | list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise UsageError(f"{path}: {attribute} must be a tuple of names, such as ({value!r},), not {value!r}")
