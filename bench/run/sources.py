"""The source that a run's implementations are made of, hashed: with other code, nothing is gone on with."""

import importlib
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from bench.core.registry import Entry

SUFFIXES = {".py", ".cpp", ".hpp", ".cu", ".json", ".txt"}
"""Code, stored choices that it follows (JSON), and how it is built (CMakeLists.txt)."""


def hashes(entries: Iterable[Entry]) -> dict[str, str]:
    """``impls`` -> all of its source; the label of each of ``entries`` that lies elsewhere -> its file.

    One hash for all of ``impls``: an implementation may be a thin wrapper over any other file there, and a plug-in is
    given its problems by a workload there. What else a plug-in imports is not seen.
    """
    package = Path(importlib.import_module("impls").__path__[0])
    own = sorted(path for path in package.rglob("*") if path.suffix in SUFFIXES)
    foreign = {entry.label: Path(entry.path) for entry in entries if not Path(entry.path).is_relative_to(package)}
    return {"impls": _hash(own, package)} | {label: _hash([path], path.parent) for label, path in foreign.items()}


def _hash(files: Iterable[Path], folder: Path) -> str:
    """Of contents and names: an implementation is named by its file."""
    found = sha256()
    for path in files:
        found.update(f"{path.relative_to(folder)}\0{sha256(path.read_bytes()).hexdigest()}\0".encode())
    return found.hexdigest()[:12]
