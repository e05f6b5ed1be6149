"""Prints the table of the README: how fast implementations are, from a committed run.

Run it from a checkout, as ``python -m reports.headline``.
"""

from collections.abc import Iterator

from bench.report.compare import compare
from bench.report.overview import MeanRatio, overviews
from bench.stats.verdict import Verdict
from bench.store import REFERENCE, Run, find

RUN = "grouped_conv2d-gspc-edge-zen5-2026-11"
SHOWN = ("native", "tvm_gspc_tuned", "openvino", "tflite", "ncnn", "onnxruntime", "im2col")
"""What most people would choose from. The report of the run has all of its implementations."""
HEADINGS = ("implementation", "time / time of PyTorch", "layers", *(str(verdict) for verdict in Verdict))


def main() -> None:
    """Print the table, and below it where it comes from."""
    print("\n".join(lines(find(RUN, REFERENCE))))


def lines(run: Run) -> Iterator[str]:
    """Yield the lines of a Markdown table of geometric means over the cases of a run, and its source."""
    (overview,) = overviews(compare(run), run)
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{' --- |' * len(HEADINGS)}"
    for mean in overview.means:
        if mean.implementation in SHOWN:
            yield f"| {' | '.join(_cells(mean, len(overview.cases)))} |"
    left_out = ", ".join(f"`{mean.implementation}`" for mean in overview.means if mean.implementation not in SHOWN)
    machine = run.info.machine.environment
    yield ""
    yield (
        f"Geometric means over the grouped layers of arXiv 2006.09791 with 95 % intervals, and verdicts by layer; "
        f"below 1 is faster. Run `{run.name}`: one core of an {machine.cpu}, PyTorch "
        f"{machine.libraries['torch']}, {run.info.started:%Y-%m-%d}. Left out: {left_out}; "
        f"`featherbench compare {run.name}` has all."
    )


def _cells(mean: MeanRatio, cases: int) -> Iterator[str]:
    ratio = mean.ratio
    yield f"`{mean.implementation}`"
    yield f"{ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
    yield f"{len(mean.cases)} of {cases}"
    yield from (str(mean.verdicts[verdict]) for verdict in Verdict)


if __name__ == "__main__":
    main()
