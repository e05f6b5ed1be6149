"""Installs the environments that implementations of sessions need, before anything is measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench import environments
from bench.core.errors import RunError
from bench.core.implementation_spec import ImplementationSpec
from bench.run.plan import Session


@dataclass
class Installation:
    """An environment that is not installed yet, and the result."""

    specs: tuple[ImplementationSpec, ...]
    """The implementations that need it."""
    seconds: float | None = None
    """How long installing it took; None: not installed."""
    failure: str = ""

    @property
    def pins(self) -> tuple[str, ...]:
        return self.specs[0].environment

    @property
    def key(self) -> str:
        return environments.key(self.pins)

    @property
    def label(self) -> str:
        """What is installed for which implementations."""
        return f"{', '.join(self.pins)} for {', '.join(spec.label for spec in self.specs)}"


def find_installations(sessions: Sequence[Session]) -> list[Installation]:
    """Return the environments that sessions need and that are not installed yet, each once."""
    specs = dict.fromkeys(spec for session in sessions for spec in session.specs if environments.missing(spec))
    by_key: dict[str, list[ImplementationSpec]] = {}
    for spec in specs:
        by_key.setdefault(environments.key(spec.environment), []).append(spec)
    return [Installation(tuple(group)) for group in by_key.values()]


def install(installations: Sequence[Installation], watch: Callable[[str], None]) -> None:
    """Install environments, one after another; ``watch`` is called with what is being done. None stops the others."""
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
    """Return the sessions, in which implementations whose environment could not be installed are unavailable."""
    failures = {spec: each.failure for each in installations if each.failure for spec in each.specs}
    return [
        replace(
            session,
            specs=tuple(spec for spec in session.specs if spec not in failures),
            unavailable=session.unavailable | {spec: failures[spec] for spec in session.specs if spec in failures},
        )
        for session in sessions
    ]
