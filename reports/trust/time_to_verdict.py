"""Measures how long four tools take to compare a pair of functions, and how often their verdicts are wrong.

Run it from a checkout, as ``python -m reports.trust.time_to_verdict``; README.md beside this file says more.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.core.errors import UsageError
from bench.core.record import Stored
from bench.core.target import Target
from bench.stats.verdict import Verdict
from reports.trust.pair import find_case, write_pair
from reports.trust.tools import MARGIN_PERCENT, TOOLS, Tool, ToolError

OUT = Path("results/local/time_to_verdict.jsonl")
CASE = "cin=64,cout=64,h=56,w=56,groups=16"


class ToolTrial(Stored):
    """The verdict of one tool on one pair."""

    tool: str
    version: str
    implementation: str
    case: str
    slowdown_percent: float
    """Average slowdown of the copy."""
    every: int = 1
    """Interval between slower calls of the copy; 1 where every call is slower."""
    pair: int
    core: int | None
    """The only core that the tool could use; None where it could use all."""
    margin_percent: float
    started: datetime
    seconds: float | None = None
    """Wall time until the verdict, in seconds."""
    verdict: Verdict | None = None
    """Verdict on the copy relative to the original; None where the tool failed."""
    ratio: float | None = None
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str, float, int, int]:
        """The key of the trial, unique among trials that gave a verdict."""
        return self.tool, self.implementation, self.case, self.slowdown_percent, self.every, self.pair


def main() -> int:
    """Measure and print the table, or only print it; return 1 where a tool failed, and 2 for wrong arguments.

    Without a file, there is no table to print: a wrong argument too.
    """
    arguments = _parser().parse_args()
    if arguments.table and not arguments.out.exists():
        print(
            f"there is no file {arguments.out}; python -m reports.trust.time_to_verdict without --table measures "
            "and makes it",
            file=sys.stderr,
        )
        return 2
    if not arguments.table:
        try:
            failures = measure(arguments)
        except UsageError as error:
            print(error, file=sys.stderr)
            return 2
    trials = read(arguments.out)
    print("\n".join(table(trials)))
    return int(not arguments.table and failures > 0)


def measure(arguments: argparse.Namespace) -> int:
    """Measure what the file does not have yet, and append it there; return the number of failed trials.

    Raises:
        UsageError: where a tool is not installed, the case is unknown, or the core may not be used.
    """
    case = find_case(arguments.case)
    names = arguments.tool or [name for name, tool in TOOLS.items() if tool.pinned and tool.version()]
    for name in names:
        if TOOLS[name].version() is None:
            raise UsageError(f"{name} is not installed: pip install -c constraints.txt -e '.[dev]'")
    if arguments.core not in os.sched_getaffinity(0):
        raise UsageError(f"core {arguments.core} may not be used; choose from {sorted(os.sched_getaffinity(0))}")
    done = {trial.key for trial in read(arguments.out) if trial.verdict}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    with TemporaryDirectory() as workspace:
        tools = [TOOLS[name](arguments.core, Path(workspace)) for name in names]
        # Tools are interleaved pair by pair, so that changes of the machine affect all of them.
        for pair, slowdown_percent, tool in product(range(1, arguments.pairs + 1), arguments.slowdown, tools):
            if (tool.name, arguments.impl, case.slug, slowdown_percent, arguments.every, pair) in done:
                continue
            trial = _measure_pair(tool, arguments.impl, case.slug, slowdown_percent, arguments.every, pair)
            _append(trial, arguments.out)
            failures += trial.verdict is None
            result = f"{trial.verdict}, {trial.seconds:.1f} s" if trial.verdict else f"failed: {trial.error}"
            print(f"pair {pair}, {slowdown_percent:g} % apart: {tool.name}: {result}", file=sys.stderr)
    return failures


def read(path: Path) -> list[ToolTrial]:
    """Return the trials of a file, without truncated lines; none where there is no file."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [ToolTrial.model_validate_json(line) for line in lines if line.endswith("}")]


def table(trials: Sequence[ToolTrial]) -> Iterator[str]:
    """Yield the lines of a Markdown table for each implementation and case."""
    subjects = dict.fromkeys((trial.implementation, trial.case, trial.every) for trial in trials)
    for implementation, case, every in subjects:
        selected = [
            trial
            for trial in trials
            if (trial.implementation, trial.case, trial.every) == (implementation, case, every)
        ]
        calls = "" if every == 1 else f", slower in every call of {every}"
        yield from _table(f"{implementation}, {case}{calls}", selected)


def _table(title: str, trials: Sequence[ToolTrial]) -> Iterator[str]:
    passed = [trial for trial in trials if trial.verdict]
    slowdowns = sorted({trial.slowdown_percent for trial in passed if trial.slowdown_percent})
    headings = ["tool", "time to a verdict, s: median (range)", "identical: false verdicts"]
    for slowdown_percent in slowdowns:
        headings += [f"{slowdown_percent:g} % apart: missed", f"{slowdown_percent:g} % apart: wrong direction"]
    yield f"**{title}**"
    yield ""
    yield _table_line(headings)
    yield _table_line(["---", *["---:"] * (len(headings) - 1)])
    for tool in (name for name in TOOLS if any(trial.tool == name for trial in passed)):
        own = [trial for trial in passed if trial.tool == tool]
        cells = [
            _with_versions(tool, own),
            _times(own),
            _count(own, 0, lambda verdict: verdict is not Verdict.CANNOT_TELL),
        ]
        for slowdown_percent in slowdowns:
            cells.append(_count(own, slowdown_percent, lambda verdict: verdict is Verdict.CANNOT_TELL))
            cells.append(_count(own, slowdown_percent, lambda verdict: verdict is Verdict.FASTER))
        yield _table_line(cells)
    yield ""
    verdicts = {trial.key for trial in passed}
    failed = Counter(
        trial.tool for trial in {trial.key: trial for trial in trials}.values() if trial.key not in verdicts
    )
    for tool, count in failed.items():
        yield f"{tool} gave no verdict on {count} of the pairs, which are not counted."
        yield ""


def _with_versions(tool: str, trials: Sequence[ToolTrial]) -> str:
    return f"{tool} {' and '.join(dict.fromkeys(trial.version for trial in trials))}"


def _times(trials: Sequence[ToolTrial]) -> str:
    seconds = [trial.seconds for trial in trials if trial.seconds is not None]
    return f"{median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"


def _count(trials: Sequence[ToolTrial], slowdown_percent: float, matches: Callable[[Verdict | None], bool]) -> str:
    verdicts = [trial.verdict for trial in trials if trial.slowdown_percent == slowdown_percent]
    return f"{sum(map(matches, verdicts))} of {len(verdicts)}" if verdicts else "not tried"


def _append(trial: ToolTrial, path: Path) -> None:
    text = path.read_text() if path.exists() else ""
    truncated = text and not text.endswith("\n")
    with path.open("a") as file:
        file.write(("\n" if truncated else "") + trial.model_dump_json() + "\n")


def _table_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _measure_pair(
    tool: Tool, implementation: str, slug: str, slowdown_percent: float, every: int, pair_number: int
) -> ToolTrial:
    with TemporaryDirectory() as name:
        folder = Path(name)
        pair = write_pair(implementation, find_case(slug), slowdown_percent / 100, folder, every)
        trial = ToolTrial(
            tool=tool.name,
            version=tool.version() or "",
            implementation=implementation,
            case=slug,
            slowdown_percent=slowdown_percent,
            every=every,
            pair=pair_number,
            core=tool.core if tool.pinned else None,
            margin_percent=MARGIN_PERCENT,
            started=datetime.now(UTC),
        )
        try:
            outcome = tool.measure(pair, folder)
        except ToolError as error:
            return trial.model_copy(update={"error": str(error)})
        verdict, ratio = outcome.finding
        return trial.model_copy(update={"seconds": outcome.seconds, "verdict": verdict, "ratio": ratio})


def _percentages(text: str) -> list[float]:
    """Parse percentages such as ``0,2,5``."""
    return [float(part) for part in text.split(",")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports.trust.time_to_verdict", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--pairs", type=int, default=20, metavar="N", help="pairs of each difference (default: 20)")
    parser.add_argument(
        "--slowdown",
        type=_percentages,
        default=[0.0, 2.0, 5.0],
        help="how much slower the copy is, per cent (default: 0,2,5)",
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="slower in every N-th call only (default: 1)")
    parser.add_argument(
        "--tool",
        action="append",
        choices=sorted(TOOLS),
        help="only this one; may be repeated (default: all that are installed, pinned to the core)",
    )
    parser.add_argument("--impl", default="pytorch", help="an implementation of grouped_conv2d (default: pytorch)")
    parser.add_argument("--case", default=CASE, help=f"a case of suite full (default: {CASE})")
    parser.add_argument("--core", type=int, default=Target("edge").cores[0], help="default: the one of target edge")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help=f"file of results (default: {OUT})")
    parser.add_argument("--table", action="store_true", help="measure nothing, and print the table of the file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
