"""An asv environment that uses the Python that asv runs with, and checks out commits of a repository.

asv's own environment of this kind, ``existing``, has no commits, so ``asv continuous`` refuses it. This one checks out
a commit, and benchmarks import it from there.
"""

import sys
from pathlib import Path
from typing import Any

from asv.environment import Environment


class Borrowed(Environment):  # type: ignore[misc]
    """An environment in which nothing is created or installed."""

    tool_name = "borrowed"

    def __init__(self, conf: Any, python: str, requirements: dict[str, str], tagged_env_vars: dict[Any, str]) -> None:
        self._requirements = requirements  # the base class reads it, for its name, before setting it
        super().__init__(conf, python, requirements, tagged_env_vars)

    @classmethod
    def matches(cls, python: str) -> bool:
        """Return True, since there is only one Python to use."""
        return True

    def find_executable(self, executable: str) -> str:
        """Return the Python that asv runs with."""
        return sys.executable

    def run(self, args: list[str], **kwargs: Any) -> Any:
        """Run that Python with ``args``."""
        return self.run_executable("python", args, **kwargs)

    def _setup(self) -> None:
        Path(self._path).mkdir(parents=True)
