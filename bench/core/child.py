"""The variables of child processes that import this project, installed or not."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def variables(packages: Path | None = None) -> dict[str, str]:
    """Return the variables for a child started with ``python -P``, which does not import from the current folder.

    With ``packages``, the child imports what that folder holds from there, even where another version is installed.
    The folder comes before this project's, since that may be the folder of all installed packages.
    """
    folders = [str(packages or ""), str(_ROOT), os.environ.get("PYTHONPATH")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
