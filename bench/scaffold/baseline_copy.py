"""Copies the source of an implementation as the start of another one."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core.class_source import ClassSource, read_class
from bench.core.errors import UsageError
from bench.core.implementation import Implementation
from bench.core.implementation_spec import ImplementationSpec

_OF_THE_ORIGINAL = ("paper", "summary", "variants")
"""Attributes that say something of the original alone."""


def copied_source(original: ImplementationSpec, name: str, class_name: str, package: str) -> str:
    """Return the source of ``original`` under another name, with placeholders for its first docstrings.

    Its paper, its summary and its variants are left out. Of several variants, the copy is the one that ``original`` is:
    attributes in which they differ are replaced by this one's values where the class reads them.

    Args:
        original: the implementation, whose class states what it computes.
        name: the name of the copy.
        class_name: the name of its class; classes that are named after the original's are renamed alike.
        package: the package of the original's file, for its relative imports: the copy may lie elsewhere.

    Raises:
        UsageError: where the original's file has no class that states what it computes.
    """
    source = read_class(Path(original.path))
    if source is None:
        raise UsageError(f"{original.path} cannot be copied: no class in it states its workload")
    text = Path(original.path).read_text()
    tree = ast.parse(text)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    lines = text.split("\n")
    overrides = source.variants[original.variant] if original.variant else {}
    _rewrite_class(lines, classes[source.name], source, overrides)
    _replace_docstring(lines, tree, f'"""{name}: say here what it is."""')
    text = re.sub(
        r"^(\s*from )\.(\w*)",
        lambda match: match[1] + ".".join(filter(None, (package, match[2]))),
        "\n".join(lines),
        flags=re.MULTILINE,
    )
    for old in classes:
        if old.startswith(source.name):
            text = re.sub(rf"\b{old}\b", class_name + old.removeprefix(source.name), text)
    return text


def _rewrite_class(lines: list[str], node: ast.ClassDef, source: ClassSource, overrides: Mapping[str, Any]) -> None:
    """Turn the class at ``node`` in the ``lines`` of its file into the variant with ``overrides``, and no other."""
    values = {**source.attributes, **overrides}
    varied = {name for variant in source.variants.values() for name in variant} - vars(Implementation).keys()
    inlined = {name for name in varied & values.keys() if _inline(lines, node, name, values[name])}
    left_out = {*_OF_THE_ORIGINAL, *inlined}
    declared = {_assigned_name(statement) for statement in node.body}
    added = [name for name in overrides if name not in left_out | declared]
    for index, statement in reversed(list(enumerate(node.body))):
        name = _assigned_name(statement)
        if name in left_out:
            described = index + 1 < len(node.body) and _is_text(node.body[index + 1])
            last = node.body[index + 1] if described else statement
            new = [_assignment(each, overrides[each]) for each in added] if name == "variants" else []
            lines[statement.lineno - 1 : last.end_lineno] = new
        elif name is not None and name in overrides:
            lines[statement.lineno - 1 : statement.end_lineno] = [_assignment(name, overrides[name])]
    _replace_docstring(lines, node, '    """Say in one line what it is; featherbench list shows it."""')


def _inline(lines: list[str], node: ast.ClassDef, name: str, value: object) -> bool:
    """Replace what the class reads as ``self.<name>`` by the value; return whether it reads any."""
    count = 0
    for index in range(node.lineno - 1, node.end_lineno or node.lineno):
        lines[index], replaced = re.subn(rf"\bself\.{name}\b", repr(value), lines[index])
        count += replaced
    return count > 0


def _replace_docstring(lines: list[str], node: ast.Module | ast.ClassDef, text: str) -> None:
    if ast.get_docstring(node) is not None:
        lines[node.body[0].lineno - 1 : node.body[0].end_lineno] = [text]


def _assigned_name(statement: ast.stmt) -> str | None:
    """Return the attribute that a statement of a class sets, if any."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string by itself, which describes the attribute before it."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _assignment(name: str, value: object) -> str:
    return f"    {name} = {value!r}"
