"""The tools: how each compares a pair, and how its verdict is read."""

import json
import os
import re
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import ClassVar, NamedTuple

from bench.core.target import Target
from bench.stats.verdict import Verdict
from reports.trust.pair import WORKLOAD, Pair

ROOT = Path(__file__).resolve().parents[2]
MARGIN_PERCENT = 1
"""Margin in per cent for every tool; smaller differences do not count."""
TIMEOUT_S = 1800.0
"""Time limit of a command of any tool, in seconds."""


class ToolError(Exception):
    """A tool gave no verdict; the message holds what it printed."""


class Printed(NamedTuple):
    """The text that a command printed."""

    output: str
    errors: str


class ToolVerdict(NamedTuple):
    """The verdict of a tool on a pair."""

    verdict: Verdict
    ratio: float | None
    """Time of the copy divided by that of the original, as precise as the tool gives it."""


class TimedVerdict(NamedTuple):
    """A verdict, and the time until it."""

    finding: ToolVerdict
    seconds: float
    """Wall time in seconds, from the start of the first command to the end of the last."""


class Tool(ABC):
    """A tool that compares pairs, in subprocesses that run on one core and ask libraries for one thread."""

    name: ClassVar[str]
    distribution: ClassVar[str]
    pinned: ClassVar[bool] = True
    """Whether its processes are pinned to one core."""

    def __init__(self, core: int, workspace: Path) -> None:
        self.core = core
        self.workspace = workspace
        """Folder that all pairs share."""

    @classmethod
    def version(cls) -> str | None:
        """Return the installed version, or None."""
        try:
            return metadata.version(cls.distribution)
        except metadata.PackageNotFoundError:
            return None

    def measure(self, pair: Pair, folder: Path) -> TimedVerdict:
        """Compare the pair, with all files in ``folder``.

        Raises:
            ToolError: where there is no verdict.
        """
        self.prepare(pair, folder)
        start = time.perf_counter()
        finding = self.compare(pair, folder)
        return TimedVerdict(finding, time.perf_counter() - start)

    @abstractmethod
    def prepare(self, pair: Pair, folder: Path) -> None:
        """Write the files that the tool needs; not timed."""

    @abstractmethod
    def compare(self, pair: Pair, folder: Path) -> ToolVerdict:
        """Measure both functions and compare them."""

    def run(self, command: Sequence[str], folder: Path, allowed: Sequence[int] = (0,), **variables: str) -> Printed:
        """Run ``python`` with the arguments ``command`` in ``folder``, and return what it printed.

        ``variables`` are added to its environment.

        Raises:
            ToolError: where it times out, or its exit status is not in ``allowed``.
        """
        environment = os.environ | Target("edge").environment() | {"PYTHONPATH": str(ROOT)} | variables
        arguments = [sys.executable, *command]
        if self.pinned:
            arguments = ["taskset", "--cpu-list", str(self.core), *arguments]
        try:
            completed = subprocess.run(
                arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ToolError(f"{' '.join(command)}: not done within {TIMEOUT_S:.0f} s") from None
        if completed.returncode not in allowed:
            printed = (completed.stdout + completed.stderr)[-2000:]
            raise ToolError(f"{' '.join(command)}: exit status {completed.returncode}: {printed}")
        return Printed(completed.stdout, completed.stderr)


class Featherbench(Tool):
    """``featherbench run`` of both in one session, then ``featherbench compare``, with its defaults."""

    name = "Featherbench"
    distribution = "featherbench"

    def prepare(self, pair: Pair, folder: Path) -> None:
        """Measure the machine's peaks once, as a first run does."""
        peaks = "import sys; from pathlib import Path; from bench.peaks import host; host.peaks(Path(sys.argv[1]))"
        self.run(["-c", peaks, str(self._results / "machines")], folder)

    def compare(self, pair: Pair, folder: Path) -> ToolVerdict:
        names = f"{pair.implementation},{pair.copy.stem}"
        cases = [part for name, text in pair.case.texts().items() for part in ("--case", f"{name}={text}")]
        results = ("--results", str(self._results))
        selection = ("--impl", names, "--plugin", str(pair.copy), "--suite", "full", "--target", "edge")
        self.run(["-m", "bench", "run", WORKLOAD, *selection, *cases, "--name", folder.name, *results], folder)
        judging = ("--baseline", pair.implementation, "--margin", f"{MARGIN_PERCENT}%", "--json")
        return read_featherbench(self.run(["-m", "bench", "compare", folder.name, *judging, *results], folder).output)

    @property
    def _results(self) -> Path:
        return self.workspace / "featherbench"


class Pyperf(Tool):
    """``Runner.bench_func`` for each of the two, in 20 processes, then ``pyperf compare_to``."""

    name = "pyperf"
    distribution = "pyperf"

    def prepare(self, pair: Pair, folder: Path) -> None:
        for name, source in (("original", pair.original_source), ("copy", pair.copy_source)):
            runner = "import pyperf\n\nrunner = pyperf.Runner()\nrunner.bench_func('call', call)\n"
            (folder / f"run_{name}.py").write_text(source + runner)  # "copy.py" would shadow a module

    def compare(self, pair: Pair, folder: Path) -> ToolVerdict:
        inherited = ",".join(Target("edge").environment())
        options = ["--quiet", "--inherit-environ", inherited]
        if self.pinned:
            options += ["--affinity", str(self.core)]
        for name in ("original", "copy"):
            self.run([f"run_{name}.py", "--output", f"{name}.json", *options], folder)
        files = ("original.json", "copy.json")
        printed = self.run(["-m", "pyperf", "compare_to", *files, "--min-speed", str(MARGIN_PERCENT)], folder)
        return read_pyperf(printed.output, *((folder / file).read_text() for file in files))


class PyperfUnpinned(Pyperf):
    """pyperf without ``--affinity``, on all cores that this script may use."""

    name = "pyperf-unpinned"
    pinned = False


class Asv(Tool):
    """``asv continuous`` of two commits, of which the first holds the original and the second the copy."""

    name = "asv"
    distribution = "asv"

    def prepare(self, pair: Pair, folder: Path) -> None:
        repository = folder / "repository"
        repository.mkdir()
        self._git(repository, "init", "--quiet", "--initial-branch=main")
        for name, source in (("original", pair.original_source), ("copy", pair.copy_source)):
            (repository / "subject.py").write_text(source)
            self._git(repository, "add", "subject.py")
            self._git(repository, "commit", "--quiet", "--allow-empty", f"--message=The {name}")
        (folder / "benchmarks").mkdir()
        (folder / "benchmarks/__init__.py").write_text("")
        (folder / "benchmarks/benchmarks.py").write_text(_ASV_BENCHMARK)
        (folder / "asv.conf.json").write_text(json.dumps(_ASV_CONFIGURATION))
        self.run(["-m", "asv", "machine", "--yes"], folder, HOME=str(folder))

    def compare(self, pair: Pair, folder: Path) -> ToolVerdict:
        factor = f"{1 + MARGIN_PERCENT / 100:.2f}"
        command = ["-m", "asv", "continuous", "--no-only-changed", "--factor", factor, "main~1", "main"]
        # Exit status 1 means slower. Without bytecode files, none is left over from the other commit.
        variables = {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return read_asv(self.run(command, folder, allowed=(0, 1), **variables).output)

    @staticmethod
    def _git(repository: Path, *arguments: str) -> None:
        identity = ("-c", "user.name=trial", "-c", "user.email=trial@localhost", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True)


_ASV_CONFIGURATION = {
    "version": 1,
    "project": "pair",
    "repo": "repository",
    "branches": ["main"],
    "environment_type": "borrowed",
    "plugins": [".reports.trust.asv_environment"],
    "build_command": [],
    "install_command": [],
    "uninstall_command": [],
}
_ASV_BENCHMARK = f"""\
import os
import sys

sys.path[:0] = [os.path.join(os.environ["ASV_ENV_DIR"], "project"), {str(ROOT)!r}]  # asv unsets PYTHONPATH
from subject import call


def time_call():
    call()
"""


class PytestBenchmark(Tool):
    """A stored run of the original, and one of the copy compared with it by ``--benchmark-compare-fail``."""

    name = "pytest-benchmark"
    distribution = "pytest-benchmark"

    def prepare(self, pair: Pair, folder: Path) -> None:
        for name, source in (("original", pair.original_source), ("copy", pair.copy_source)):
            (folder / name).mkdir()
            (folder / name / "pytest.ini").write_text("[pytest]\n")  # it makes this folder the root of the test names
            (folder / name / "test_pair.py").write_text(source + "\n\ndef test_call(benchmark):\n    benchmark(call)\n")

    def compare(self, pair: Pair, folder: Path) -> ToolVerdict:
        command = ["-m", "pytest", "-p", "no:cacheprovider", f"--benchmark-storage=file://{folder / 'storage'}"]
        self.run([*command, "--benchmark-save=original"], folder / "original")
        fail = ("--benchmark-compare=0001", f"--benchmark-compare-fail=median:{MARGIN_PERCENT}%")
        printed = self.run(
            [*command, *fail, "--benchmark-json=../copy.json"],
            folder / "copy",
            allowed=(0, 1),  # 1 means that performance has regressed
        )
        (stored,) = (folder / "storage").glob("*/0001_original.json")
        return read_pytest_benchmark(printed.errors, stored.read_text(), (folder / "copy.json").read_text())


TOOLS: dict[str, type[Tool]] = {
    tool.name: tool for tool in (Featherbench, Pyperf, PyperfUnpinned, Asv, PytestBenchmark)
}


def read_featherbench(printed: str) -> ToolVerdict:
    """Return the verdict from the output of ``featherbench compare --json``."""
    (row,) = json.loads(printed)
    if row["verdict"] is None:
        raise ToolError(f"featherbench has no ratio: {row['reason']}")
    return ToolVerdict(Verdict(row["verdict"]), row["ratio"]["estimate"])


def read_pyperf(printed: str, original: str, copy: str) -> ToolVerdict:
    """Return the verdict from the output of ``pyperf compare_to``, with the ratio of the means in the two files."""
    means = []
    for text in (original, copy):
        (benchmark,) = json.loads(text)["benchmarks"]
        values = [value for run in benchmark["runs"] for value in run.get("values", ())]
        means.append(sum(values) / len(values))
    ratio = means[1] / means[0]
    if "not significant" in printed:
        return ToolVerdict(Verdict.CANNOT_TELL, ratio)
    match = re.search(r"x (faster|slower)\b", printed)
    if match is None:
        raise ToolError(f"pyperf compare_to gave no verdict: {printed}")
    return ToolVerdict(Verdict(match[1]), ratio)


def read_asv(printed: str) -> ToolVerdict:
    """Return the verdict from the output of ``asv continuous --no-only-changed``.

    The output has a line for the benchmark and a conclusion.
    """
    line = re.search(r"^\|\s*[-+]?\s*\|\s*\S+±\S+\s*\|\s*\S+±\S+\s*\|\s*~?([\d.]+)\s*\|.*time_call", printed, re.M)
    conclusions = {
        "PERFORMANCE DECREASED": Verdict.SLOWER,
        "PERFORMANCE INCREASED": Verdict.FASTER,
        "BENCHMARKS NOT SIGNIFICANTLY CHANGED": Verdict.CANNOT_TELL,
    }
    verdicts = [verdict for text, verdict in conclusions.items() if text in printed]
    if line is None or len(verdicts) != 1:
        raise ToolError(f"asv gave no verdict: {printed}")
    return ToolVerdict(verdicts[0], float(line[1]))


def read_pytest_benchmark(errors: str, original: str, copy: str) -> ToolVerdict:
    """Return the verdict from pytest's ``errors``, with the ratio of the medians in the two files.

    The rule of pytest-benchmark can only find that the copy is slower.
    """
    medians = []
    for text in (original, copy):
        (benchmark,) = json.loads(text)["benchmarks"]
        medians.append(benchmark["stats"]["median"])
    if "Comparing against benchmarks from:" not in errors:
        raise ToolError(f"pytest-benchmark compared nothing: {errors}")
    regressed = "Performance has regressed" in errors
    return ToolVerdict(Verdict.SLOWER if regressed else Verdict.CANNOT_TELL, medians[1] / medians[0])
