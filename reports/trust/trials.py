"""Prints what the trials of ``featherbench doctor`` came to, from the file that it appends its comparisons to.

Run it from a checkout, as ``python -m reports.trust.trials FILE``.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench.doctor.trial import CopyComparison, Trial, noise_floor
from bench.stats.verdict import Verdict

COLUMNS = (
    *("trial", "implementation", "pairs", "slower", "faster", "cannot tell"),
    *("ratio, median", "interval, median", "95 % intervals without 1", "95 % of ratios within", "process to process"),
)


def main() -> int:
    """Print the table; return 2 where the file cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m reports.trust.trials", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("file", type=Path, help="such as results/local/machines/MACHINE-trials.jsonl")
    parser.add_argument("--margin", type=float, default=1.0, metavar="PERCENT", help="of verdicts (default: 1)")
    arguments = parser.parse_args()
    try:
        comparisons = read(arguments.file)
    except (OSError, ValueError) as error:  # ValueError: no text, or no comparisons
        print(f"{arguments.file} is no file of trials: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    if not comparisons or arguments.margin < 0:
        print("there must be comparisons in the file, and --margin must not be negative", file=sys.stderr)
        return 2
    print("\n".join(table(comparisons, arguments.margin / 100)))
    return 0


def read(path: Path) -> list[CopyComparison]:
    """Return the comparisons in a file, in order.

    Raises:
        OSError: where the file cannot be read.
        ValueError: where a line is no comparison.
    """
    return [CopyComparison.model_validate_json(line) for line in path.read_text().splitlines()]


def table(comparisons: Sequence[CopyComparison], margin: float) -> Iterator[str]:
    """Yield the lines of a Markdown table: for each trial all implementations together, then one by one."""
    yield _line(COLUMNS)
    yield _line(["---"] * len(COLUMNS))
    for trial in Trial:
        of_trial = [comparison for comparison in comparisons if comparison.trial is trial]
        if of_trial:
            yield _row(trial, "all", of_trial, margin)
        for name in sorted({comparison.implementation for comparison in of_trial}):
            yield _row(trial, name, [each for each in of_trial if each.implementation == name], margin)


def _row(trial: Trial, implementation: str, comparisons: Sequence[CopyComparison], margin: float) -> str:
    verdicts = Counter(comparison.verdict(margin) for comparison in comparisons)
    counts = [str(verdicts[verdict]) for verdict in (Verdict.SLOWER, Verdict.FASTER, Verdict.CANNOT_TELL)]
    half_width = median((comparison.high - comparison.low) / 2 for comparison in comparisons)
    spread = median(comparison.process_std for comparison in comparisons)
    without_1 = sum(not comparison.low <= 1 <= comparison.high for comparison in comparisons)
    identical = [f"{without_1} of {len(comparisons)}", f"±{_percent(noise_floor(comparisons))}"]
    ratio = f"{median(comparison.ratio for comparison in comparisons):.3f}"
    counts += [ratio, f"±{_percent(half_width)}", *(identical if trial.slowdown is None else "––"), _percent(spread)]
    return _line([str(trial), implementation, str(len(comparisons)), *counts])


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
