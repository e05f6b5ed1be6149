"""What the words and numbers of the page mean."""

from collections.abc import Mapping
from typing import Any

from bench.report.accuracy import experiments
from bench.report.chapter import Chapter, Report
from bench.report.compare import CONFIDENCE, DEFAULT_MARGIN
from bench.report.units import percent
from bench.stats.repeats import ALPHA, MAX_ENUMERATED
from bench.store import Run


class ReadingChapter(Chapter):
    """A definition of everything that the page shows."""

    name = "reading"
    title = "How to read this"
    template = "reading.html"

    def content(self, report: Report) -> Mapping[str, Any]:
        trained = [section for section in report.sections if experiments(section)]
        elsewhere = [run.name for run in report.runs if _timed_elsewhere(run)]
        return {
            "trained": bool(trained),
            "metrics": list(dict.fromkeys(metric for section in trained for metric in section.described)),
            "elsewhere": elsewhere,
            "interleaved": len(elsewhere) < len(report.runs),
            "on_gpu": any(run.info.on_gpu for run in report.runs),
            "confidence": percent(CONFIDENCE, 2),
            "alpha": ALPHA,
            "max_enumerated": MAX_ENUMERATED,
            "default_margin": percent(DEFAULT_MARGIN, 1),
        }


def _timed_elsewhere(run: Run) -> bool:
    """Whether another tool did the timing."""
    return any(record.latency is not None and record.latency.stopped is None for record in run.records)
