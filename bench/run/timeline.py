"""Records where a run's time went: what workers did, one at a time or several at once."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

STAGES = {
    "preload": "preparing",
    "preload_modules": "preparing",
    "load": "preparing",
    "build": "building",
    "prepare": "preparing",
    "measure_memory": "measuring memory",
    "check": "checking",
    "evaluate": "checking",
    "recheck": "checking",
    "conclude": "checking",
    "warm_up": "timing",
    "round": "timing",
    "layer_times": "timing",
}
"""The stage that each step of a worker belongs to."""


class Timeline:
    """Collects what workers did and when; several threads may add to it."""

    def __init__(self) -> None:
        self._edges: list[tuple[float, int, str]] = []
        self._lock = threading.Lock()

    def add(self, step: str, seconds: float) -> None:
        """Record that a worker was at ``step`` for ``seconds`` until now."""
        now = time.perf_counter()
        if step in STAGES:
            with self._lock:
                self._edges += [(now - seconds, 1, STAGES[step]), (now, -1, STAGES[step])]

    def seconds_by_stage(self) -> dict[str, float]:
        """Return the time in which any worker was busy, s; time of several at once is divided among their stages."""
        totals = dict.fromkeys(STAGES.values(), 0.0)
        active: Counter[str] = Counter()
        before = 0.0
        for now, change, stage in sorted(self._edges):
            if workers := active.total():
                for name, count in active.items():
                    totals[name] += (now - before) * count / workers
            active[stage] += change
            before = now
        return totals


@dataclass
class TimeBreakdown:
    """Where a run's time went, s."""

    total: float = 0.0
    """Time of the whole run, planning and start-up included."""
    by_stage: dict[str, float] = field(default_factory=dict)

    @property
    def harness(self) -> float:
        """Time spent outside the implementations' own building, preparing, checking and timing, s."""
        return self.total - sum(seconds for stage, seconds in self.by_stage.items() if stage in OWN_STAGES)

    def __str__(self) -> str:
        stages = ", ".join(
            f"{stage} {seconds:.1f} s"
            for stage, seconds in self.by_stage.items()
            if stage in OWN_STAGES and (seconds or stage != "building")
        )
        share = self.harness / self.total if self.total else 0.0
        return f"{self.total:.1f} s: {stages}, harness {self.harness:.1f} s ({share:.1%})"


OWN_STAGES = ("building", "preparing", "checking", "timing")
"""The stages in which implementations themselves work."""
