"""The report as one self-contained HTML page, for screen and paper, which loads nothing else."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from bench.core.errors import RunError, UsageError
from bench.report.chapter import Report
from bench.report.chapters import chapters
from bench.report.page_templates import page_environment, page_style
from bench.report.palette import COLOURS, DARK_COLOURS
from bench.report.section import all_parameters
from bench.report.units import MISSING, counted
from bench.store import Run

_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = (
    "units.js",
    "address.js",
    "download.js",
    "plot.js",
    "figures.js",
    "matrix.js",
    "forest.js",
    "columns.js",
    "table.js",
    "print.js",
)
"""The page's scripts, in the order in which they use one another."""


def write_report(runs: Sequence[Run], path: Path, axis: str | None = None) -> Path:
    """Write the report of ``runs`` to ``path``, one HTML file, and return its path.

    Args:
        runs: the runs to report.
        path: the file to write.
        axis: the parameter on the horizontal axis of latency figures, in place of each workload's own.

    Raises:
        UsageError: where there is nothing to report, two runs have the same name, or no case has parameter ``axis``.
        RunError: where ``path`` cannot be written.
    """
    names = [run.name for run in runs]
    if not any(run.records for run in runs):
        raise UsageError(f"nothing to report: no records in {', '.join(names) or 'no run'}; choose another run")
    if len(set(names)) < len(names):
        raise UsageError("two of the runs have the same name; report them one by one")
    report = Report(runs, axis)
    if axis and axis not in (choices := all_parameters(report.table)):
        raise UsageError(f"no case has a parameter {axis!r}; choose from {', '.join(choices)}")
    page = _page(report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}; choose another place") from None
    return path


def _page(report: Report) -> str:
    environment = _templates()
    parts = []
    for chapter in chapters(report):
        content = chapter.content(report)
        if content is not None:
            template = environment.get_template(chapter.template)
            body = Markup(template.render(chapter=chapter, runs=report.runs, many=report.has_several_runs, **content))
            parts.append((chapter, body))
    return environment.get_template("report.html").render(
        runs=report.runs,
        parts=parts,
        scripts=Markup("\n".join(_read(name) for name in _SCRIPTS)),
        style=page_style(_TEMPLATES / "style.css"),
        colours=COLOURS,
        dark_colours=DARK_COLOURS,
    )


@cache
def _templates() -> Environment:
    environment = page_environment(_TEMPLATES)
    environment.globals["MISSING"] = MISSING
    environment.filters["counted"] = counted
    environment.filters["breakable"] = _breakable
    environment.filters["data"] = _data
    return environment


def _breakable(text: str) -> Markup:
    """Return ``text`` as HTML that may break after each comma of a case's slug and each underscore of a name."""
    return escape(text).replace(",", Markup(",<wbr>")).replace("_", Markup("_<wbr>"))


def _data(value: Any) -> Markup:
    """Return ``value`` as JSON in which nothing can end the script element that holds it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
