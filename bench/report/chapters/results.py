"""The table of all results."""

from collections.abc import Mapping
from typing import Any

from bench.report.chapter import Chapter, Report
from bench.report.table import results_table


class ResultsChapter(Chapter):
    """Every record, in a table that the reader sorts, filters and downloads."""

    name = "results"
    title = "Every result"
    template = "results.html"

    def content(self, report: Report) -> Mapping[str, Any]:
        described = [metric for section in report.sections for metric in section.described]
        columns = results_table(report.table, report.comparisons, described)
        verdicts = {row.verdict for row in report.comparisons if row.verdict}
        choices = {
            column["name"]: sorted(column["words"])
            for column in columns
            if column["name"] in ("run", "workload", "target", "implementation", "status")
        }
        return {
            "data": {"count": len(report.table), "columns": columns},
            "choices": choices | {"verdict": ["faster", "slower", "cannot tell", "baseline"] if verdicts else []},
            "columns": columns,
            "count": len(report.table),
        }
