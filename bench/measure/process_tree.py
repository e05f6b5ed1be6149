"""Finds the processes that this one has started, and those started by them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def descendants(process: Path = Path("/proc/self")) -> list[Path]:
    """Return the folders in /proc of all descendants of ``process``."""
    folders: list[Path] = []
    for thread in _threads(process):
        with suppress(OSError):  # one that ended just now
            for child in (thread / "children").read_text().split():
                folders += [Path("/proc", child), *descendants(Path("/proc", child))]
    return folders


def cpu_time(process: Path) -> float:
    """Return the processor time of all threads of a process, s."""
    nanoseconds = 0
    for thread in _threads(process):
        with suppress(OSError):
            nanoseconds += int((thread / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def _threads(process: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (process / "task").iterdir()
