"""Installs the environments that sessions need, before anything is measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench import environments
from bench.core.errors import RunError
from bench.core.implementation_spec import ImplementationSpec
from bench.run.plan import Session


@dataclass
class Installation:
    """An environment to install, and the outcome."""

    specs: tuple[ImplementationSpec, ...]
    """The implementations that need it."""
    seconds: float | None = None
    """How long installing it took; None if it is not installed."""
    failure: str = ""
    """Why it could not be installed; empty if it could, or was not tried yet."""

    @property
    def pins(self) -> tuple[str, ...]:
        return self.specs[0].environment

    @property
    def key(self) -> str:
        return environments.key(self.pins)

    @property
    def label(self) -> str:
        """What is installed, and for which implementations."""
        return f"{', '.join(self.pins)} for {', '.join(spec.label for spec in self.specs)}"


def find_installations(sessions: Sequence[Session]) -> list[Installation]:
    """Return the environments that sessions need and that are not installed yet, each once."""
    specs = dict.fromkeys(spec for session in sessions for spec in session.specs if environments.missing(spec))
    by_key: dict[str, list[ImplementationSpec]] = {}
    for spec in specs:
        by_key.setdefault(environments.key(spec.environment), []).append(spec)
    return [Installation(tuple(group)) for group in by_key.values()]


def install(installations: Sequence[Installation], watch: Callable[[str], None]) -> None:
    """Install environments one after another; where one fails, go on with the next.

    Args:
        installations: the environments; their ``seconds`` or ``failure`` are set.
        watch: is called with what is being done, and with each failure.
    """
    for installation in installations:
        watch(f"installing {installation.label}")
        began = time.perf_counter()
        try:
            environments.install(installation.pins)
            installation.seconds = time.perf_counter() - began
        except RunError as error:
            installation.failure = str(error)
            watch(installation.failure)


def without_failed(sessions: Sequence[Session], installations: Sequence[Installation]) -> list[Session]:
    """Return the sessions with those implementations unavailable whose environment could not be installed."""
    failed = [installation for installation in installations if installation.failure]
    failures = {spec: installation.failure for installation in failed for spec in installation.specs}
    return [
        replace(
            session,
            specs=tuple(spec for spec in session.specs if spec not in failures),
            unavailable=session.unavailable | {spec: failures[spec] for spec in session.specs if spec in failures},
        )
        for session in sessions
    ]
