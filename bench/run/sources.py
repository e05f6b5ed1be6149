"""Hashes the source of a run's workloads and implementations: a run is resumed only with the same code."""

import importlib
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from bench.core import registry
from bench.core.implementation_spec import ImplementationSpec

SUFFIXES = {".py", ".cpp", ".hpp", ".cu", ".cuh", ".json", ".txt"}
"""Suffixes of code, of the stored choices that it follows (JSON), and of its build files (CMakeLists.txt)."""


def hashes(specs: Iterable[ImplementationSpec]) -> dict[str, str]:
    """Return a hash of the source of each folder and file that the implementations and their workloads lie in.

    All of ``impls`` has one hash, by that name: an implementation may be a thin wrapper over any other file in it, and
    a plug-in may get its problems from a workload in it. So has the folder of each workload outside ``impls``, by the
    workload's name, and the file of each implementation outside these folders, by its label. Other files that a plug-in
    imports are not hashed.
    """
    package = Path(importlib.import_module("impls").__path__[0])
    names = sorted({str(spec.workload) for spec in specs} & registry.workloads().keys())
    outside = {name: path for name in names if not (path := registry.folder(name)).is_relative_to(package)}
    folders = {"impls": package, **outside}
    files = {
        spec.label: Path(spec.path)
        for spec in specs
        if not any(Path(spec.path).is_relative_to(folder) for folder in folders.values())
    }
    return {name: _hash(_sources(folder), folder) for name, folder in folders.items()} | {
        label: _hash([path], path.parent) for label, path in files.items()
    }


def _sources(folder: Path) -> list[Path]:
    """Return the files of code in a folder, without those of results and environments that runs may have made in it."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and not any(_is_no_source(part) for part in path.relative_to(folder).parts[:-1])
    )


def _is_no_source(folder: str) -> bool:
    """Whether a folder of this name holds what was made or installed: results, reports, or an environment."""
    return folder.startswith(".") or folder in ("results", "reports", "build", "venv", "env")


def _hash(files: Iterable[Path], folder: Path) -> str:
    """Hash contents and names: most implementations are named after their file."""
    digest = sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\0{sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()[:12]
