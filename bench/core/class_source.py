"""What the source text of a file says about the implementation's class in it."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.core.errors import UsageError

_COMPUTED = object()
"""Stands for the value of an attribute that is not a literal."""


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
        if node is chosen or "variants" not in attributes[node.name]:
            continue
        # Without any workload in the file, each class from elsewhere may be an implementation.
        imported = _imported_bases(node.name, classes)
        if "workload" in attributes[node.name] or "Implementation" in imported or (imported and chosen is None):
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
        attributes[node.name] = inherited | _own_attributes(node)
    return {
        name: {attribute: value for attribute, value in values.items() if value is not _COMPUTED}
        for name, values in attributes.items()
    }


def _base_names(node: ast.ClassDef) -> list[str]:
    """Return the names of a class's bases, without the modules that they are read from."""
    return [ast.unparse(base).rpartition(".")[2] for base in node.bases]


def _imported_bases(name: str, classes: Sequence[ast.ClassDef]) -> set[str]:
    """Return the names of the classes outside the file from which the class ``name`` is derived."""
    names = {name}
    for node in reversed(classes):
        if node.name in names:
            names |= {*_base_names(node)}
    return names - {node.name for node in classes}


def _own_attributes(node: ast.ClassDef) -> dict[str, Any]:
    """Return the values of the attributes that a class sets, _COMPUTED where one is not a literal.

    For ``variants``, it is then the text.
    """
    own: dict[str, Any] = {}
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                own[name] = _value(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                own[name] = _value(name, value)
            case ast.FunctionDef(name=name):
                own[name] = _COMPUTED
    return own


def _value(name: str, value: ast.expr) -> object:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError):  # TypeError: an unhashable key
        return ast.unparse(value) if name == "variants" else _COMPUTED


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
