"""Discovery of workloads and implementations.

Workloads are part of this project and are imported. An implementation may be anybody's code, need heavy libraries, or
crash, so this module only reads its file; only worker processes import it.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import pkgutil
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from bench.core.errors import UsageError
from bench.core.implementation import Implementation
from bench.core.workload import Workload

ENTRY_POINTS = "featherbench.implementations"

log = logging.getLogger("featherbench")


@dataclass(frozen=True)
class Entry:
    """An implementation that was found, but is not imported."""

    name: str
    workload: str | None
    """None where the file names no workload, or cannot be read."""
    path: str
    module: str | None = None
    """Dotted name of the module, where the file is part of a package."""
    requires: tuple[str, ...] = ()
    targets: tuple[str, ...] = Implementation.targets
    summary: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        """Workload and name, which together are unique."""
        return f"{self.workload}/{self.name}"

    def missing(self) -> str | None:
        """Return what has to be installed first, with the command that does it; None where nothing is missing."""
        missing = [name for name in self.requires if not _installed(name)]
        return f"needs {', '.join(missing)}: pip install {' '.join(missing)}" if missing else None


@cache
def workloads() -> dict[str, Workload]:
    """Return the workloads by name: one for each folder of ``impls`` with a ``workload.py``."""
    package = importlib.import_module("impls")
    by_name = {}
    for info in pkgutil.iter_modules(package.__path__, "impls."):
        if info.ispkg and importlib.util.find_spec(f"{info.name}.workload"):
            by_name[info.name.removeprefix("impls.")] = load_workload(f"{info.name}.workload")
    return by_name


def load_workload(module: str) -> Workload:
    """Import a module and return the workload that it defines.

    Raises:
        TypeError: where the module does not define exactly one.
    """
    return cast(Workload, _only_instance(importlib.import_module(module), Workload))


def workload(name: str) -> Workload:
    """Return the workload of this name.

    Raises:
        UsageError: where there is none; the message lists the valid choices.
    """
    by_name = workloads()
    if name not in by_name:
        raise UsageError(f"no workload {name!r}; choose from {', '.join(sorted(by_name))}")
    return by_name[name]


def implementations(plugins: Sequence[str | Path] = ()) -> list[Entry]:
    """Return all implementations: those of ``impls``, of the entry points, and of the plug-in files, in this order.

    Raises:
        UsageError: where a plug-in does not exist or names an unknown workload, or where two implementations of one
            workload share a name.
    """
    entries = [*_from_impls(), *_from_entry_points(), *(_from_plugin(Path(path)) for path in plugins)]
    for entry, other in combinations(entries, 2):
        if entry.name == other.name and (entry.workload == other.workload or None in (entry.workload, other.workload)):
            raise UsageError(
                f"two implementations are named {entry.name}: {entry.path} and {other.path}; rename a file"
            )
    return entries


def import_distributions(names: Iterable[str]) -> list[str]:
    """Import the packages of distributions, as far as they are installed and can be imported.

    Only worker processes may call this.

    Returns:
        The names of the packages.
    """
    wanted = {_normalized(name) for name in names}
    owners = importlib.metadata.packages_distributions()
    packages = [package for package in owners if wanted & set(map(_normalized, owners[package]))]
    for package in packages:
        if package.isidentifier() and not package.startswith("_"):
            with suppress(Exception):  # The implementation that needs it will say what is wrong.
                importlib.import_module(package)
    return packages


def _normalized(name: str) -> str:
    """Return the normalised name of a distribution, by PyPA's specification of names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def load(entry: Entry) -> Implementation:
    """Import an implementation's file and return an instance of its class. Only worker processes may call this.

    Raises:
        TypeError: where the file does not define exactly one complete implementation.
    """
    if entry.module:
        module = importlib.import_module(entry.module)
    else:
        # A file is often named after the library that it imports; under that name it would shadow the library.
        name = f"featherbench_plugin_{entry.name}"
        spec = importlib.util.spec_from_file_location(name, entry.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return cast(Implementation, _only_instance(module, Implementation))


def _only_instance(module: ModuleType, base: type) -> object:
    """Return an instance of the only complete subclass of ``base`` that ``module`` itself defines.

    Raises:
        TypeError: where it defines none or several.
    """
    classes = [
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, base)
        and member.__module__ == module.__name__
        and not inspect.isabstract(member)
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__file__} must define one complete {base.__name__}, not {len(classes)}")
    return classes[0]()


def _from_impls() -> Iterable[Entry]:
    for name in workloads():
        package = importlib.import_module(f"impls.{name}")
        for info in pkgutil.iter_modules(package.__path__):
            if not info.ispkg and info.name != "workload" and not info.name.startswith("_"):
                path = Path(package.__path__[0]) / f"{info.name}.py"
                yield describe(path, name=info.name, workload=name, module=f"{package.__name__}.{info.name}")


def _from_entry_points() -> Iterable[Entry]:
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            spec = importlib.util.find_spec(point.module)
        except Exception as error:  # finding a module imports its parent packages
            log.warning("entry point %s cannot be used: %s: %s", point.name, type(error).__name__, error)
            continue
        if spec is None or spec.origin is None:
            log.warning("entry point %s cannot be used: there is no module %s", point.name, point.module)
            continue
        yield describe(Path(spec.origin), name=point.name, module=point.module)


def _from_plugin(path: Path) -> Entry:
    if not path.is_file():
        raise UsageError(f"no plug-in file {path}")
    entry = describe(path.resolve(), name=path.stem)
    if entry.workload not in (None, *workloads()):
        raise UsageError(f"{path}: unknown workload {entry.workload!r}; choose from {', '.join(workloads())}")
    return entry


def describe(path: Path, *, name: str, workload: str | None = None, module: str | None = None) -> Entry:
    """Describe an implementation by the class attributes in its file, which is not run.

    A file that cannot be parsed will fail in its worker.

    Raises:
        UsageError: where ``requires`` or ``targets`` is not a tuple of names.
    """
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
    literals = {}
    for statement in node.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                with suppress(ValueError):  # not a literal, so not an attribute that is read here
                    literals[name] = ast.literal_eval(value)
    return literals


def _names(path: Path, attribute: str, value: object) -> tuple[str, ...]:
    if isinstance(value, tuple | list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise UsageError(f"{path}: {attribute} must be a tuple of names, such as ({value!r},), not {value!r}")


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
