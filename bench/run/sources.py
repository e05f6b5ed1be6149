"""Hashes the source of a run's implementations: a run is resumed only with the same code."""

import importlib
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from bench.core.entry import Entry

SUFFIXES = {".py", ".cpp", ".hpp", ".cu", ".json", ".txt"}
"""Suffixes of code, of the stored choices that it follows (JSON), and of its build files (CMakeLists.txt)."""


def hashes(entries: Iterable[Entry]) -> dict[str, str]:
    """Return a hash of the whole source of ``impls``, and one of the file of each entry outside it, by its label.

    All of ``impls`` has one hash: an implementation may be a thin wrapper over any other file in it, and a plug-in gets
    its problems from a workload in it. Other files that a plug-in imports are not hashed.
    """
    package = Path(importlib.import_module("impls").__path__[0])
    package_files = sorted(path for path in package.rglob("*") if path.suffix in SUFFIXES)
    plugins = {entry.label: Path(entry.path) for entry in entries if not Path(entry.path).is_relative_to(package)}
    return {"impls": _hash(package_files, package)} | {
        label: _hash([path], path.parent) for label, path in plugins.items()
    }


def _hash(files: Iterable[Path], folder: Path) -> str:
    """Hash contents and names: most implementations are named after their file."""
    digest = sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\0{sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()[:12]
