"""Verdicts are read from what tools print, as recorded and trimmed; those that are installed are also run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.stats.verdict import Verdict
from reports.trust.tools import (
    TOOLS,
    Asv,
    ToolError,
    read_asv,
    read_featherbench,
    read_pyperf,
    read_pytest_benchmark,
)

COMPARED = """[
  {
    "implementation": "pytorch_copy",
    "against": "pytorch",
    "margin": 0.01,
    "ratio": {"estimate": 1.0922018447653628, "low": 1.02428693143367, "high": 1.1646198278046769, "confidence": 0.95},
    "verdict": "slower",
    "reason": ""
  }
]
"""


def test_featherbench() -> None:
    assert read_featherbench(COMPARED) == (Verdict.SLOWER, pytest.approx(1.0922, abs=1e-4))
    cannot_tell = COMPARED.replace('"slower"', '"cannot tell"')
    assert read_featherbench(cannot_tell).verdict is Verdict.CANNOT_TELL


def test_featherbench_without_a_ratio_has_no_verdict() -> None:
    rows = json.dumps([{"verdict": None, "ratio": None, "reason": "crashed: signal 11"}])
    with pytest.raises(ToolError, match="crashed: signal 11"):
        read_featherbench(rows)


def pyperf_file(*values: float) -> str:
    """A benchmark's file: the first process only calibrates."""
    runs = [{"metadata": {"calibrate_loops": 64}, "warmups": [[1, 0.0043], [64, 0.0025]]}]
    runs += [{"metadata": {}, "values": [value] * 3, "warmups": [[64, 0.0013]]} for value in values]
    return json.dumps({"benchmarks": [{"runs": runs}], "metadata": {"loops": 64, "name": "call"}, "version": "1.0"})


PYPERF_SLOWER = "Mean +- std dev: [original] 1.43 ms +- 0.49 ms -> [copy] 3.29 ms +- 0.92 ms: 2.30x slower\n"
PYPERF_FASTER = "Mean +- std dev: [copy] 3.29 ms +- 0.92 ms -> [original] 1.43 ms +- 0.49 ms: 2.30x faster\n"
PYPERF_CANNOT_TELL = "Benchmark hidden because not significant (1): call\n"


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [
        (PYPERF_SLOWER, Verdict.SLOWER),
        (PYPERF_FASTER, Verdict.FASTER),
        (PYPERF_CANNOT_TELL, Verdict.CANNOT_TELL),
    ],
)
def test_pyperf(printed: str, verdict: Verdict) -> None:
    timed_verdict = read_pyperf(printed, pyperf_file(0.001, 0.002), pyperf_file(0.003, 0.003))
    assert timed_verdict == (verdict, pytest.approx(2.0))


def test_pyperf_without_a_comparison_has_no_verdict() -> None:
    with pytest.raises(ToolError, match="no verdict"):
        read_pyperf("ERROR: need at least two benchmark files\n", pyperf_file(1), pyperf_file(1))


@pytest.mark.parametrize(("slower", "words"), [(1.05, "x slower"), (1.005, "not significant"), (0.95, "x faster")])
def test_pyperf_says_so_still(tmp_path: Path, slower: float, words: str) -> None:
    """The margin counts, even if the values scatter so little that any difference is significant."""
    pyperf = pytest.importorskip("pyperf")
    for name, factor in (("original", 1.0), ("copy", slower)):
        runs = [pyperf.Run([factor * value] * 3, metadata={"name": "call"}) for value in (0.001, 0.001001, 0.000999)]
        pyperf.Benchmark(runs).dump(str(tmp_path / f"{name}.json"))
    files = [tmp_path / "original.json", tmp_path / "copy.json"]
    command = [sys.executable, "-m", "pyperf", "compare_to", *map(str, files), "--min-speed", "1"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert words in printed
    assert read_pyperf(printed, *(file.read_text() for file in files)).ratio == pytest.approx(slower)


def asv_output(row: str, conclusion: str) -> str:
    return f"""\
[75.00%] ·· Benchmarking borrowed-py3.11
[100.00%] ··· benchmarks.time_call                                   1.32±0.05ms

All benchmarks:

| Change   | Before [aa35c5b7] <main~1>   | After [72e8b4a5] <main>   | Ratio   | Benchmark (Parameter)   |
|----------|------------------------------|---------------------------|---------|-------------------------|
{row}

{conclusion}
"""


CHANGED = "SOME BENCHMARKS HAVE CHANGED SIGNIFICANTLY.\n"


@pytest.mark.parametrize(
    ("row", "conclusion", "verdict", "ratio"),
    [
        (
            "|          | 1.32±0.05ms                  | 1.35±0.02ms               | ~1.02   | benchmarks.time_call |",
            "BENCHMARKS NOT SIGNIFICANTLY CHANGED.",
            Verdict.CANNOT_TELL,
            1.02,
        ),
        (
            "|          | 514±2μs                      | 514±0.8μs                 |       1 | benchmarks.time_call |",
            "BENCHMARKS NOT SIGNIFICANTLY CHANGED.",
            Verdict.CANNOT_TELL,
            1.0,
        ),
        (
            "| +        | 514±2μs                      | 541±0.8μs                 |    1.05 | benchmarks.time_call |",
            f"{CHANGED}PERFORMANCE DECREASED.",
            Verdict.SLOWER,
            1.05,
        ),
        (
            "| -        | 541±0.8μs                    | 514±2μs                   |    0.95 | benchmarks.time_call |",
            f"{CHANGED}PERFORMANCE INCREASED.",
            Verdict.FASTER,
            0.95,
        ),
    ],
)
def test_asv(row: str, conclusion: str, verdict: Verdict, ratio: float) -> None:
    assert read_asv(asv_output(row, conclusion)) == (verdict, ratio)


def test_a_benchmark_that_fails_in_asv_is_no_verdict() -> None:
    row = "| !        | 514±2μs                      | failed                    | n/a     | benchmarks.time_call    |"
    with pytest.raises(ToolError, match="no verdict"):
        read_asv(asv_output(row, f"{CHANGED}PERFORMANCE DECREASED."))


def test_asv_compares_two_commits_in_the_environment_it_borrows(tmp_path: Path) -> None:
    pytest.importorskip("asv")
    tool = Asv(min(os.sched_getaffinity(0)), tmp_path)
    tool.prepare(Sources("call = dict\n", "call = dict  # the copy\n"), tmp_path)
    assert tool.compare(Sources("", ""), tmp_path).ratio is not None


PYTEST_COMPARED = """\
Comparing against benchmarks from: Linux-CPython-3.11-64bit/0001_original.json

Wrote benchmark data in: ../copy.json
"""
PYTEST_REGRESSED = """\
--------------------------------------------------------------------------------
Performance has regressed:
\ttest_call (0001_origina) - Field 'median' has failed PercentageRegressionCheck: 5.110000000 > 1.000000000
--------------------------------------------------------------------------------
Traceback (most recent call last):
pytest_benchmark.session.PerformanceRegression: Performance has regressed.
"""


def pytest_file(median: float) -> str:
    return json.dumps({"benchmarks": [{"name": "test_call", "stats": {"median": median, "iqr": 6.5e-05}}]})


def test_pytest_benchmark() -> None:
    files = pytest_file(0.0005), pytest_file(0.0006)
    assert read_pytest_benchmark(PYTEST_COMPARED, *files) == (Verdict.CANNOT_TELL, pytest.approx(1.2))
    assert read_pytest_benchmark(PYTEST_COMPARED + PYTEST_REGRESSED, *files).verdict is Verdict.SLOWER


def test_pytest_benchmark_without_a_comparison_has_no_verdict() -> None:
    with pytest.raises(ToolError, match="compared nothing"):
        read_pytest_benchmark("Can't compare. No benchmark files\n", pytest_file(1), pytest_file(1))


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    tool = TOOLS["Featherbench"](min(os.sched_getaffinity(0)), tmp_path)
    with pytest.raises(ToolError, match="exit status 3: out of order"):
        tool.run(["-c", "import sys; print('out of order'); sys.exit(3)"], tmp_path)


def test_tools_run_on_the_core_with_one_thread(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    printed = TOOLS["asv"](core, tmp_path).run(
        ["-c", "import os; print(os.sched_getaffinity(0), os.environ['OMP_NUM_THREADS'])"], tmp_path
    )
    assert printed.output == f"{{{core}}} 1\n"


class Sources:
    """Stands in for a pair."""

    def __init__(self, original: str, copy: str) -> None:
        self.original_source, self.copy_source = original, copy
