"""Every ratio: a matrix of cases and implementations, and the ratios with their intervals beside it."""

from collections.abc import Mapping
from typing import Any

from bench.report.chapter import Chapter, Report
from bench.report.compare import CONFIDENCE
from bench.report.units import percent


class ComparisonChapter(Chapter):
    """The verdict matrix and the forest plot of each section, against a baseline that the reader may choose."""

    name = "comparison"
    title = "Every ratio"
    template = "comparison.html"

    def content(self, report: Report) -> Mapping[str, Any] | None:
        if not report.matrices:
            return None
        return {"matrices": report.matrices, "confidence": percent(CONFIDENCE, 2)}
