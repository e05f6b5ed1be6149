"""What else to know of each section: cautions, rankings, and what did not pass."""

from collections.abc import Mapping
from typing import Any

from bench.report.chapter import Chapter, Report
from bench.report.summary import summarise


class DetailsChapter(Chapter):
    """Sentences, rankings and failures of each section."""

    name = "details"
    title = "Cautions and failures"
    template = "details.html"

    def content(self, report: Report) -> Mapping[str, Any]:
        summaries = [summarise(section) for section in report.sections]
        shared = set.intersection(*(set(summary.sentences) for summary in summaries)) if len(summaries) > 1 else set()
        return {
            "summaries": summaries,
            "shared": [sentence for sentence in summaries[0].sentences if sentence in shared],
        }
