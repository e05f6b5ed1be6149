"""Moves a process, with all its threads, to other cores, and checks that calls leave it there."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path


class LeftCoresError(Exception):
    """A call let its thread run on other cores than those it was given; the message says what to change."""


def move_to(cores: Collection[int]) -> None:
    """Let every thread of this process run on ``cores`` and nowhere else.

    Do nothing where this thread already runs on them: threads that are pinned to some of these cores stay so.
    """
    if os.sched_getaffinity(0) == set(cores):
        return
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that ended just now
            os.sched_setaffinity(int(task.name), cores)


def require_within(cores: Collection[int]) -> None:
    """Raise LeftCoresError where this thread may run on other cores than ``cores``.

    A library that sets the affinity of the thread that calls it, such as to the cores that it was prepared on, would
    be timed on other cores than all others, and partly while it moves. Called after calls, this finds one that does not
    set it back.
    """
    if beyond := os.sched_getaffinity(0) - set(cores):
        raise LeftCoresError(
            f"its calls let their thread run on cores {sorted(beyond)}, beyond {sorted(cores)}, where it is timed: "
            "leave the affinity of the calling thread as it is"
        )
