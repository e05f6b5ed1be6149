"""Processes that do not outlive the one that started them."""

import ctypes
import os
import signal
import sys


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when ``parent``, its parent's process id, dies.

    A stopped process would not see its pipe close, and a busy one would not look.
    """
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
