"""Copies the source of an implementation as the start of another one."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from bench.core.class_source import read_class
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec

_OF_THE_ORIGINAL = ("paper", "summary", "variants")
"""Attributes that say something of the original alone."""


def copied_source(original: ImplementationSpec, name: str, class_name: str, package: str) -> str:
    """Return the source of ``original`` under another name, with placeholders for its first docstrings.

    Its paper, its summary and its variants are left out. Of several variants, the copy is the one that ``original`` is:
    what the variant overrides are attributes of the copy's class.

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
    _make_imports_absolute(lines, tree, package)
    for node in reversed(_with_bases(classes[source.name], classes)):  # an edit moves the lines below it
        _rewrite_attributes(lines, node, overrides if node.name == source.name else {})
        if node.name == source.name:
            _replace_docstring(lines, node, '    """Say in one line what it is; featherbench list shows it."""')
    _replace_docstring(lines, tree, f'"""{name}: say here what it is."""')
    text = "\n".join(lines)
    for old in classes:
        if old.startswith(source.name):
            text = re.sub(rf"\b{old}\b", class_name + old.removeprefix(source.name), text)
    return text


def _make_imports_absolute(lines: list[str], tree: ast.Module, package: str) -> None:
    """Rewrite the relative imports of a file of ``package``; each further dot goes up one package."""
    parents = package.split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = parents[: len(parents) - node.level + 1]
            absolute = ".".join([*base, node.module] if node.module else base)
            relative = rf"from\s*(?:\.\s*){{{node.level}}}{re.escape(node.module or '')}\s*"
            line = lines[node.lineno - 1]
            statement = re.sub(relative, f"from {absolute} ", line[node.col_offset :], count=1)
            lines[node.lineno - 1] = line[: node.col_offset] + statement


def _with_bases(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """Return a class and those of ``classes`` that it is derived from, in the order of the file."""
    names = {node.name}
    for each in reversed(classes.values()):
        if each.name in names:
            names |= {base.id for base in each.bases if isinstance(base, ast.Name)}
    return [each for each in classes.values() if each.name in names]


def _rewrite_attributes(lines: list[str], node: ast.ClassDef, overrides: Mapping[str, object]) -> None:
    """Give the class at ``node`` in the ``lines`` of its file the overrides, and drop what is the original's alone."""
    new = {name: f"    {name} = {value!r}" for name, value in overrides.items() if name not in _OF_THE_ORIGINAL}
    declared = {_assigned_name(statement) for statement in node.body}
    added = [text for name, text in new.items() if name not in declared]
    attributes = [statement for statement in node.body if _assigned_name(statement) or _is_text(statement)]
    if not added and all(_assigned_name(statement) in _OF_THE_ORIGINAL for statement in node.body):
        added = ["    pass"]
    end = attributes[-1].end_lineno if attributes else _first_line(node.body[0]) - 1
    lines[end:end] = added
    for index, statement in reversed(list(enumerate(node.body))):
        name = _assigned_name(statement)
        if name in _OF_THE_ORIGINAL:
            described = index + 1 < len(node.body) and _is_text(node.body[index + 1])
            last = node.body[index + 1] if described else statement
            del lines[statement.lineno - 1 : last.end_lineno]
        elif name in new:
            lines[statement.lineno - 1 : statement.end_lineno] = [new[name]]


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


def _first_line(statement: ast.stmt) -> int:
    """Return the number of a statement's first line, where a decorator may stand."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return min(each.lineno for each in [statement, *statement.decorator_list])
    return statement.lineno
