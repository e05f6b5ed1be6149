"""Where and how each run was measured, and how to measure it again."""

from collections.abc import Mapping
from typing import Any

from bench.report.chapter import Chapter, Report
from bench.report.setting import setting


class SettingChapter(Chapter):
    """The command, machine, peaks and implementations of each run, and the steps that measure it again."""

    name = "setting"
    title = "Environment and rerun"
    template = "setting.html"

    def content(self, report: Report) -> Mapping[str, Any]:
        return {"settings": [setting(run, report.specs) for run in report.runs]}
