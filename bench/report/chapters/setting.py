"""Where and how each run was measured."""

from collections.abc import Mapping
from typing import Any

from bench.report.chapter import Chapter, Report
from bench.report.setting import setting


class SettingChapter(Chapter):
    """The command, machine, peaks and implementations of each run."""

    name = "setting"
    title = "Environment"
    template = "setting.html"

    def content(self, report: Report) -> Mapping[str, Any]:
        return {"settings": [setting(run) for run in report.runs]}
