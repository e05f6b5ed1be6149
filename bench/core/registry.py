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
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

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
    variant: str | None = None
    """Which of its class's ``variants`` it is; None where the class has none."""

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
    return cast(Workload, _only_class(importlib.import_module(module), Workload)())


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
    from_plugins = (entry for path in plugins for entry in _from_plugin(Path(path)))
    entries = [*_from_impls(), *_from_entry_points(), *from_plugins]
    for entry, other in combinations(entries, 2):
        if entry.name == other.name and (entry.workload == other.workload or None in (entry.workload, other.workload)):
            raise UsageError(
                f"two implementations are named {entry.name}: {entry.path} and {other.path}; rename a file or a variant"
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
        TypeError: as ``factory`` does.
    """
    return factory(entry)()


def factory(entry: Entry) -> Callable[[], Implementation]:
    """Import an implementation's file and return a function that makes instances. Only worker processes may call this.

    An instance of a variant has the attributes that the class's ``variants`` gives it.

    Raises:
        TypeError: where the file does not define exactly one complete implementation, or the variant has an attribute
            that the class does not declare.
    """
    implementation_class = cast(type[Implementation], _only_class(_import(entry), Implementation))
    attributes = implementation_class.variants[entry.variant] if entry.variant else {}
    if undeclared := [name for name in attributes if not hasattr(implementation_class, name)]:
        raise TypeError(
            f"{entry.path}: variant {entry.variant} sets {', '.join(undeclared)}, which "
            f"{implementation_class.__name__} does not declare; give it a value in the class"
        )

    def create() -> Implementation:
        implementation = implementation_class()
        for name, value in attributes.items():
            setattr(implementation, name, value)
        return implementation

    return create


def _import(entry: Entry) -> ModuleType:
    if entry.module:
        return importlib.import_module(entry.module)
    # A file is often named after the library that it imports; under that name it would shadow the library.
    name = f"featherbench_plugin_{entry.name}"
    spec = importlib.util.spec_from_file_location(name, entry.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _only_class(module: ModuleType, base: type) -> type:
    """Return the only complete subclass of ``base`` that ``module`` itself defines.

    Raises:
        TypeError: where it defines none or several.
    """
    classes: list[type] = [
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, base)
        and member.__module__ == module.__name__
        and not inspect.isabstract(member)
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__file__} must define one complete {base.__name__}, not {len(classes)}")
    return classes[0]


def _from_impls() -> Iterable[Entry]:
    for name in workloads():
        package = importlib.import_module(f"impls.{name}")
        for info in pkgutil.iter_modules(package.__path__):
            if not info.ispkg and info.name != "workload" and not info.name.startswith("_"):
                path = Path(package.__path__[0]) / f"{info.name}.py"
                yield from describe(path, workload=name, module=f"{package.__name__}.{info.name}")


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
        yield from describe(Path(spec.origin), name=point.name, module=point.module)


def _from_plugin(path: Path) -> Iterable[Entry]:
    if not path.is_file():
        raise UsageError(f"no plug-in file {path}")
    for entry in describe(path.resolve()):
        if entry.workload not in (None, *workloads()):
            raise UsageError(f"{path}: unknown workload {entry.workload!r}; choose from {', '.join(workloads())}")
        yield entry


def describe(
    path: Path, *, name: str | None = None, workload: str | None = None, module: str | None = None
) -> list[Entry]:
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
        return [Entry(name, workload, str(path), module)]
    entries = []
    variants: list[tuple[str | None, Mapping[str, Any]]] = [*source.variants.items()] or [(None, {})]
    for variant, overrides in variants:
        attributes = {**source.attributes, **overrides}
        entries.append(
            Entry(
                name=variant or name,
                workload=workload or str(attributes["workload"]),
                path=str(path),
                module=module,
                requires=_names(path, "requires", attributes.get("requires", ())),
                targets=_names(path, "targets", attributes.get("targets", Implementation.targets)),
                summary=str(attributes.get("summary") or source.first_line),
                note=str(attributes.get("note", "")),
                variant=variant,
            )
        )
    return entries


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


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
