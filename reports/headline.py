"""Makes the table and the chart of the README: how fast implementations are, from a committed run.

Run it from a checkout, as ``python -m reports.headline``.
"""

from collections.abc import Iterator
from pathlib import Path

from bench.report.compare import compare
from bench.report.overview import MeanRatio, Overview, overviews
from bench.report.units import ratio_with_interval
from bench.stats.verdict import Verdict
from bench.store import REFERENCE, Run, find
from reports.headline_chart import write_chart

RUN = "grouped_conv2d-gspc-edge-zen5-2026-11"
CHART = Path("docs/images/headline.svg")
SHOWN = ("native", "tvm_gspc_tuned", "openvino", "tflite", "ncnn", "onnxruntime", "im2col")
"""What most people would choose from. The report of the run has all of its implementations."""
HEADINGS = ("implementation", "latency / latency of PyTorch", "layers", *(str(verdict) for verdict in Verdict))


def main() -> None:
    """Print the table, and below it where it comes from; write the chart."""
    run = find(RUN, REFERENCE)
    ratios = overview(run)
    print("\n".join(lines(run, ratios)))
    write_chart(run, ratios, SHOWN, CHART)


def overview(run: Run) -> Overview:
    """Return the ratios of a run of a single workload to its baseline."""
    (ratios,) = overviews(compare(run), run)
    return ratios


def lines(run: Run, ratios: Overview) -> Iterator[str]:
    """Yield the lines of a Markdown table of geometric means over the cases of a run, and its source."""
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{' --- |' * len(HEADINGS)}"
    for mean in ratios.means:
        if mean.implementation in SHOWN:
            yield f"| {' | '.join(_cells(mean, len(ratios.cases)))} |"
    left_out = ", ".join(f"`{mean.implementation}`" for mean in ratios.means if mean.implementation not in SHOWN)
    machine = run.info.machine.environment
    yield ""
    yield (
        f"Geometric means over the grouped layers of arXiv 2006.09791 with 95 % intervals, and verdicts by layer; "
        f"below 1 is faster. Run `{run.name}`: one core of an {machine.cpu}, PyTorch "
        f"{machine.libraries['torch']}, {run.info.started:%Y-%m-%d}. Left out: {left_out}; "
        f"`featherbench compare {run.name}` has all."
    )


def _cells(mean: MeanRatio, cases: int) -> Iterator[str]:
    yield f"`{mean.implementation}`"
    yield ratio_with_interval(mean.ratio.estimate, mean.ratio.low, mean.ratio.high)
    yield f"{len(mean.cases)} of {cases}"
    yield from (str(mean.verdicts[verdict]) for verdict in Verdict)


if __name__ == "__main__":
    main()
