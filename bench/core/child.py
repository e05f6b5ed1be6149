"""The variables of child processes that import this project, installed or not."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def environment(packages: Path | None = None) -> dict[str, str]:
    """Return the variables for a child started with ``python -P``, which does not import from the current folder.

    With ``packages``, it imports what that folder holds from there, even where the same is installed: ``PYTHONPATH``
    comes before the folders of installed packages, of which this project's may be one.
    """
    folders = [str(packages or ""), str(_ROOT), os.environ.get("PYTHONPATH")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
