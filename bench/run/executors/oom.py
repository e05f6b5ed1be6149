"""Tells whether the kernel has killed a process because memory ran out, by the kernel's own counters.

The counters are ``oom_kill`` in ``memory.events`` (cgroup v2) or ``memory.oom_control`` (cgroup v1) of the process's
cgroup, and in ``/proc/vmstat``, which counts on the whole machine.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path


def oom_kills(pid: int, root: Path = Path("/")) -> dict[Path, int]:
    """Return the counters that a kill of the process would raise, with their values; empty where none can be read."""
    return {path: count for path in _counters(pid, root) if (count := _count(path)) is not None}


def was_oom_killed(before: Mapping[Path, int]) -> bool | None:
    """Whether a counter has risen since ``before``, a result of ``oom_kills``; None where no counter can be read."""
    after = {path: count for path in before if (count := _count(path)) is not None}
    return any(count > before[path] for path, count in after.items()) if after else None


def _counters(pid: int, root: Path) -> Iterator[Path]:
    """Yield the files that may hold the counters; a container may see its own cgroup as the root of the tree."""
    yield root / "proc/vmstat"
    with suppress(OSError):
        for line in (root / f"proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, cgroup = line.split(":", 2)
            for folder in {cgroup.strip("/"), ""}:
                if "memory" in controllers.split(","):
                    yield root / "sys/fs/cgroup/memory" / folder / "memory.oom_control"
                elif not controllers:
                    yield root / "sys/fs/cgroup" / folder / "memory.events"


def _count(path: Path) -> int | None:
    with suppress(OSError):
        for line in path.read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None
