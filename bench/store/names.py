"""Names of runs: the run of a name, all runs of a folder, and the name of a new run."""

import logging
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from bench.core.errors import UsageError
from bench.store.request import Request
from bench.store.run import Run

LOCAL = Path("results/local")
REFERENCE = Path("results/reference")

log = logging.getLogger("featherbench")


def runs(folder: Path = LOCAL) -> list[Run]:
    """Return all readable runs in a folder, oldest first; an unreadable run is reported in one line of the log."""
    readable = []
    for path in sorted(folder.glob("*/run.json")):
        try:
            readable.append(Run.open(path.parent))
        except UsageError as error:
            log.warning("%s; left alone", error)
    return sorted(readable, key=lambda run: run.info.started)


def find(name: str, folder: Path = LOCAL) -> Run:
    """Return the run of this name in ``folder`` or among the committed runs, or at this path.

    ``latest`` is the newest run in ``folder``.

    Raises:
        UsageError: where there is no such run, or it cannot be read.
    """
    if name == "latest":
        if not (local := runs(folder)):
            raise UsageError(f"no run in {folder.absolute()} yet; make one with: featherbench run")
        return local[-1]
    for candidate in (folder / name, REFERENCE / name, Path(name)):
        if (candidate / "run.json").exists():
            return Run.open(candidate)
    names = ", ".join(run.name for run in runs(folder)) or "none yet"
    raise UsageError(f"no run {name!r} in {folder.absolute()} or {REFERENCE.absolute()}; choose from: latest, {names}")


def new_name(request: Request, now: datetime, folder: Path) -> str:
    """Return a name that sorts by time and states the request, e.g. ``20261123-204510-grouped_conv2d-quick-edge``.

    A number follows where a run of the same second has that name in ``folder``.
    """
    workloads = "+".join(request.workloads)
    name = f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{workloads}-{request.suite}-{str(request.target).replace(':', '-')}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(candidate for candidate in names if not (folder / candidate).exists())
