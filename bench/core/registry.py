"""Finds workloads and implementations.

Workloads are part of this project and are imported. An implementation may be anybody's code, need heavy libraries, or
crash, so its file is only described here; only worker processes import it.
"""

import importlib
import importlib.metadata
import importlib.util
import logging
import pkgutil
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

from bench.core.describe import describe
from bench.core.entry import Entry
from bench.core.errors import UsageError
from bench.core.loading import load_workload
from bench.core.workload import Workload

ENTRY_POINTS = "featherbench.implementations"

log = logging.getLogger("featherbench")


@cache
def workloads() -> dict[str, Workload]:
    """Return the workloads by name: one for each folder of ``impls`` with a ``workload.py``."""
    package = importlib.import_module("impls")
    by_name = {}
    for info in pkgutil.iter_modules(package.__path__, "impls."):
        if info.ispkg and importlib.util.find_spec(f"{info.name}.workload"):
            by_name[info.name.removeprefix("impls.")] = load_workload(f"{info.name}.workload")
    return by_name


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
