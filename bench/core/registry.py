"""Finds workloads and implementations: in ``impls``, in plug-ins, and through the entry points of installed packages.

Workloads are imported. An implementation may be anybody's code, need heavy libraries, or crash, so its file is only
described here; only worker processes import it.
"""

import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import pkgutil
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

from bench.core.describe import describe
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import load_workload
from bench.core.workload import Workload

ENTRY_POINTS = "featherbench.implementations"
WORKLOAD_ENTRY_POINTS = "featherbench.workloads"

log = logging.getLogger("featherbench")

_registered: dict[str, Workload] = {}
"""The workloads of the plug-in folders that this process was given, by name."""


def register(plugins: Iterable[str | Path]) -> None:
    """Make the workloads of plug-in folders known to this process, with the implementations beside them.

    Plug-in files hold only implementations, which ``implementations`` returns.

    Raises:
        UsageError: where a plug-in does not exist, or a folder's workload cannot be loaded or has another's name.
    """
    for plugin in plugins:
        path = Path(plugin).resolve()
        if path.is_dir():
            _register_folder(path)
        elif not path.is_file():
            raise UsageError(f"no plug-in file or folder {path}")


def workloads() -> dict[str, Workload]:
    """Return all workloads by name: those of ``impls``, of the entry points, and of registered plug-in folders."""
    return {**_installed_workloads(), **_registered}


def workload(name: str) -> Workload:
    """Return the workload of this name.

    Raises:
        UsageError: where there is none; the message lists the valid choices.
    """
    by_name = workloads()
    if name not in by_name:
        raise UsageError(
            f"no workload {name!r}; choose from {', '.join(sorted(by_name))}, or give a folder of yours with --plugin"
        )
    return by_name[name]


def folder(name: str) -> Path:
    """Return the folder that holds the workload of this name and its implementations.

    Raises:
        UsageError: where there is none of this name.
    """
    return Path(inspect.getfile(type(workload(name)))).parent


def implementations(plugins: Sequence[str | Path] = ()) -> list[ImplementationSpec]:
    """Return all implementations: those beside the workloads, of the entry points, and of the plug-in files.

    Plug-in folders are registered, see ``register``.

    Raises:
        UsageError: where ``register`` raises it, a plug-in file names an unknown workload, or two implementations of
            one workload share a name.
    """
    register(plugins)
    from_files = (spec for path in map(Path, plugins) if path.is_file() for spec in _from_file(path))
    specs = [*_beside_workloads(), *_from_entry_points(), *from_files]
    for spec, other in combinations(specs, 2):
        if spec.name == other.name and (spec.workload == other.workload or None in (spec.workload, other.workload)):
            raise UsageError(
                f"two implementations are named {spec.name}: {spec.path} and {other.path}; rename a file or a variant"
            )
    return specs


@cache
def _installed_workloads() -> dict[str, Workload]:
    """Return the workloads of ``impls``, one for each folder with a ``workload.py``, and those of the entry points."""
    package = importlib.import_module("impls")
    by_name = {}
    for info in pkgutil.iter_modules(package.__path__, "impls."):
        if info.ispkg and importlib.util.find_spec(f"{info.name}.workload"):
            by_name[info.name.removeprefix("impls.")] = load_workload(f"{info.name}.workload")
    for point in importlib.metadata.entry_points(group=WORKLOAD_ENTRY_POINTS):
        if point.name in by_name:
            log.warning("entry point %s cannot be used: there is a workload of that name already", point.name)
            continue
        try:
            by_name[point.name] = load_workload(f"{point.module}.workload")
        except Exception as error:
            log.warning("entry point %s cannot be used: %s: %s", point.name, type(error).__name__, error)
    return by_name


def _register_folder(path: Path) -> None:
    """Load the workload of a plug-in folder, unless it is the folder of a known one."""
    name, file = path.name, path / "workload.py"
    taken = name in workloads()
    if taken and folder(name).resolve() == path:
        return
    if not file.is_file():
        raise UsageError(f"{path} has no workload.py, so it is no plug-in folder; a single implementation is a file")
    if taken:
        raise UsageError(f"{path}: there is a workload {name} already, in {folder(name)}; rename the folder")
    if not name.isidentifier() or name in ("bench", "impls"):
        raise UsageError(f"{path}: {name!r} cannot name a workload; rename the folder with letters, digits and _")
    try:
        _registered[name] = load_workload(str(file))
    except (Exception, SystemExit) as error:
        raise UsageError(f"workload {name} cannot be loaded: {type(error).__name__}: {error}") from error


def _beside_workloads() -> Iterable[ImplementationSpec]:
    for name, known in workloads().items():
        package = type(known).__module__.rpartition(".")[0]
        for path in sorted(folder(name).glob("*.py")):
            if path.stem not in ("workload", "conftest", "setup") and not path.stem.startswith(("_", "test_")):
                yield from describe(path, workload=name, module=f"{package}.{path.stem}")


def _from_entry_points() -> Iterable[ImplementationSpec]:
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            module_spec = importlib.util.find_spec(point.module)
        except Exception as error:  # finding a module imports its parent packages
            log.warning("entry point %s cannot be used: %s: %s", point.name, type(error).__name__, error)
            continue
        if module_spec is None or module_spec.origin is None:
            log.warning("entry point %s cannot be used: there is no module %s", point.name, point.module)
            continue
        yield from describe(Path(module_spec.origin), name=point.name, module=point.module)


def _from_file(path: Path) -> Iterable[ImplementationSpec]:
    for spec in describe(path.resolve()):
        if spec.workload not in (None, *workloads()):
            raise UsageError(f"{path}: unknown workload {spec.workload!r}; choose from {', '.join(workloads())}")
        yield spec
