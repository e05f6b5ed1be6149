"""The specification of an implementation, read from its source text."""

import importlib.metadata
from dataclasses import dataclass

from bench.core.implementation import Implementation


@dataclass(frozen=True)
class ImplementationSpec:
    """Describes an implementation without importing it, as ``importlib.machinery.ModuleSpec`` describes a module."""

    name: str
    workload: str | None
    """None where the file names no workload, or cannot be read."""
    path: str
    module: str | None = None
    """Dotted name of the module, where the file is part of a package."""
    requires: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    """Requirements of its own environment, each as ``name==version``; empty where it has none."""
    targets: tuple[str, ...] = Implementation.targets
    summary: str = ""
    paper: str = ""
    note: str = ""
    setup: str = ""
    variant: str | None = None
    """Which of its class's ``variants`` it is; None where the class has none."""

    @property
    def label(self) -> str:
        """Workload and name, which together are unique."""
        return f"{self.workload}/{self.name}"

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions that it needs, those of its environment included."""
        pinned = (pin.partition("==")[0] for pin in self.environment)
        return tuple(dict.fromkeys((*self.requires, *pinned)))

    def missing(self) -> str | None:
        """Return what has to be installed first, with the command that does it; None where nothing is missing."""
        missing = [name for name in self.requires if not _installed(name)]
        return f"needs {', '.join(missing)}: pip install {' '.join(missing)}" if missing else None


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
