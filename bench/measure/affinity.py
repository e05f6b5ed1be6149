"""Moves a process, with all its threads, to other cores."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path


def move_to(cores: Collection[int]) -> None:
    """Let every thread of this process run on ``cores`` and nowhere else.

    Do nothing where this thread already runs on them: threads that are pinned to some of these cores stay so.
    """
    if os.sched_getaffinity(0) == set(cores):
        return
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that ended just now
            os.sched_setaffinity(int(task.name), cores)
