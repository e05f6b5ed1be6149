"""The environment of child processes that import this project, installed or not."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """Return the variables for a child started with ``python -P``, which does not import from the current folder."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))}
