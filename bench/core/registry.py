"""Finds workloads and implementations.

Workloads are part of this project and are imported. Implementations may be anybody's code, need heavy libraries, or
crash: their files are only read here, and imported by a worker process alone.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from bench.core.errors import BadUse
from bench.core.implementation import Implementation
from bench.core.workload import Workload

ENTRY_POINTS = "featherbench.implementations"

log = logging.getLogger("featherbench")


@dataclass(frozen=True)
class Entry:
    """An implementation as found, not yet imported."""

    name: str
    workload: str | None
    """None where the file does not say, or cannot be read."""
    path: str
    module: str | None = None
    """Its dotted name, where it is part of a package."""
    requires: tuple[str, ...] = ()
    targets: tuple[str, ...] = Implementation.targets
    summary: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        """Workload and name, which are unique together."""
        return f"{self.workload}/{self.name}"

    def missing(self) -> str | None:
        """What has to be installed first, with the command that does it; None where nothing is missing."""
        absent = [name for name in self.requires if not _installed(name)]
        return f"needs {', '.join(absent)}: pip install {' '.join(absent)}" if absent else None


@cache
def workloads() -> dict[str, Workload]:
    """The workloads by name: each folder of ``impls`` with a ``workload.py``."""
    package = importlib.import_module("impls")
    found = {}
    for info in pkgutil.iter_modules(package.__path__, "impls."):
        if info.ispkg and importlib.util.find_spec(f"{info.name}.workload"):
            found[info.name.removeprefix("impls.")] = load_workload(f"{info.name}.workload")
    return found


def load_workload(module: str) -> Workload:
    """The workload that a module defines."""
    return cast(Workload, _only_instance(importlib.import_module(module), Workload))


def workload(name: str) -> Workload:
    """The workload of this name; raises BadUse with the valid choices."""
    found = workloads()
    if name not in found:
        raise BadUse(f"no workload {name!r}; choose from {', '.join(sorted(found))}")
    return found[name]


def implementations(plugins: Sequence[str | Path] = ()) -> list[Entry]:
    """All implementations: of ``impls``, of the entry points, and of the plug-in files, in this order.

    Raises BadUse where a plug-in does not exist or names no workload that does, or two implementations of one workload
    share a name.
    """
    entries = [*_own(), *_entry_points(), *(_plugin(Path(path)) for path in plugins)]
    for entry, other in combinations(entries, 2):
        if entry.name == other.name and (entry.workload == other.workload or None in (entry.workload, other.workload)):
            raise BadUse(f"two implementations are named {entry.name}: {entry.path} and {other.path}; rename a file")
    return entries


def load(entry: Entry) -> Implementation:
    """Import an implementation's file and make its instance. For worker processes only."""
    if entry.module:
        module = importlib.import_module(entry.module)
    else:
        # A file is often named after the library that it imports: it must not stand in that library's place.
        name = f"featherbench_plugin_{entry.name}"
        spec = importlib.util.spec_from_file_location(name, entry.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return cast(Implementation, _only_instance(module, Implementation))


def _only_instance(module: ModuleType, base: type) -> object:
    """An instance of the one complete subclass of ``base`` that ``module`` itself defines; TypeError otherwise."""
    found = [
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, base)
        and member.__module__ == module.__name__
        and not inspect.isabstract(member)
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__file__} must define one complete {base.__name__}, not {len(found)}")
    return found[0]()


def _own() -> Iterable[Entry]:
    for name in workloads():
        package = importlib.import_module(f"impls.{name}")
        for info in pkgutil.iter_modules(package.__path__):
            if not info.ispkg and info.name != "workload" and not info.name.startswith("_"):
                path = Path(package.__path__[0]) / f"{info.name}.py"
                yield _describe(path, name=info.name, workload=name, module=f"{package.__name__}.{info.name}")


def _entry_points() -> Iterable[Entry]:
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            spec = importlib.util.find_spec(point.module)
        except Exception as error:  # finding a module imports the packages it lies in
            log.warning("entry point %s cannot be used: %s: %s", point.name, type(error).__name__, error)
            continue
        if spec is None or spec.origin is None:
            log.warning("entry point %s cannot be used: there is no module %s", point.name, point.module)
            continue
        yield _describe(Path(spec.origin), name=point.name, module=point.module)


def _plugin(path: Path) -> Entry:
    if not path.is_file():
        raise BadUse(f"no plug-in file {path}")
    entry = _describe(path.resolve(), name=path.stem)
    if entry.workload not in (None, *workloads()):
        raise BadUse(f"{path} names no known workload, but {entry.workload!r}; choose from {', '.join(workloads())}")
    return entry


def _describe(path: Path, *, name: str, workload: str | None = None, module: str | None = None) -> Entry:
    """Read a file's class attributes without running it. A file that cannot be parsed will fail in its worker."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # ValueError: null bytes, before Python 3.12
        return Entry(name, workload, str(path), module)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and "workload" in (literals := _literals(node)):
            return Entry(
                name=name,
                workload=workload or str(literals["workload"]),
                path=str(path),
                module=module,
                requires=_names(path, "requires", literals.get("requires", ())),
                targets=_names(path, "targets", literals.get("targets", Implementation.targets)),
                summary=(ast.get_docstring(node) or "").partition("\n")[0],
                note=str(literals.get("note", "")),
            )
    return Entry(name, workload, str(path), module)


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    found = {}
    for statement in node.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                with suppress(ValueError):  # not a literal: none of those that are read here
                    found[name] = ast.literal_eval(value)
    return found


def _names(path: Path, attribute: str, value: object) -> tuple[str, ...]:
    if isinstance(value, tuple | list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise BadUse(f"{path}: {attribute} must be a tuple of names, such as ({value!r},), not {value!r}")


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
