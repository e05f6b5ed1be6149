"""What the source text of a file says about the implementation's class in it."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.core.errors import UsageError


class ClassSource(NamedTuple):
    """What the source text of an implementation's class says."""

    name: str
    first_line: str
    """The first line of its docstring."""
    attributes: Mapping[str, Any]
    """The attributes that are literals, its own and those of its bases in the same file, without ``variants``."""
    variants: Mapping[str, Mapping[str, Any]]
    """The attributes that each variant overrides, by its name; empty where there are none."""


def read_class(path: Path) -> ClassSource | None:
    """Describe the implementation's class in a file; return None if there is none, or no valid Python.

    The class is the first that has a ``workload``, set or inherited, and is not a base of another class in the file.

    Raises:
        UsageError: where ``variants`` is not a plain dict of dicts, or belongs to another class.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # ValueError: null bytes, before Python 3.12
        return None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    attributes = _attributes(classes)
    bases = {name for node in classes for name in _base_names(node)}
    derived = [node for node in classes if node.name not in bases]
    chosen = next((node for node in derived if "workload" in attributes[node.name]), None)
    for node in derived:
        if node is not chosen and "variants" in attributes[node.name]:
            raise UsageError(_misplaced_variants(path, node.name, chosen.name if chosen else None))
    if chosen is None:
        return None
    variants = attributes[chosen.name].pop("variants", {})
    _require_variants(path, variants)
    docstring = ast.get_docstring(chosen) or ""
    return ClassSource(chosen.name, docstring.partition("\n")[0], attributes[chosen.name], variants)


def _attributes(classes: Sequence[ast.ClassDef]) -> dict[str, dict[str, Any]]:
    """Return the literal attributes of each class by its name, with those of its bases among ``classes``."""
    attributes: dict[str, dict[str, Any]] = {}
    for node in classes:
        inherited: dict[str, Any] = {}
        for base in reversed(_base_names(node)):
            inherited |= attributes.get(base, {})
        attributes[node.name] = inherited | _literals(node)
    return attributes


def _base_names(node: ast.ClassDef) -> list[str]:
    return [base.id for base in node.bases if isinstance(base, ast.Name)]


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


def _misplaced_variants(path: Path, name: str, implementation: str | None) -> str:
    """Return what is wrong with ``variants`` of the class ``name``, which is not the file's implementation."""
    if implementation is None:
        return f"{path}: class {name} has variants but no workload; add workload = ..."
    return (
        f"{path}: class {name} has variants, but class {implementation} is the file's implementation; move one of them "
        f"to another file, or derive {name} from {implementation}"
    )


def _require_variants(path: Path, variants: object) -> None:
    example = '{"direct": {}, "winograd": {"winograd": True}}'
    if not isinstance(variants, dict) or not all(isinstance(overrides, dict) for overrides in variants.values()):
        raise UsageError(f"{path}: variants must be a plain dict of dicts, such as {example}, not {variants!r}")
    for name, overrides in variants.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise UsageError(f"{path}: {name!r} cannot name a variant; use letters, digits and _")
        if shared := overrides.keys() & {"workload", "variants"}:
            raise UsageError(f"{path}: variant {name} cannot have a {min(shared)} of its own; write another file")
