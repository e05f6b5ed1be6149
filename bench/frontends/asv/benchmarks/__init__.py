"""What asv discovers: a class for each workload, with its implementations and quick cases as parameters.

asv takes this file from the checkout that holds ``asv.conf.json``, and ``bench`` and ``impls`` from the commit that it
has built. It tells a process only the number of its combination of parameters, so these must be the same for every
commit and are read from the checkout. What a commit or its environment does not have is n/a there. Nothing is measured
of a commit that lacks a name which is imported below, so these are few, and as old as the project.

asv forks a process for each combination from one that has imported this file. Importing torch would take most of a run,
so that one does it for all; other libraries load where they are used. Hence the peak of memory that asv reads is that
of the whole process, mostly PyTorch's; ``track_peak_of_call`` is the call's own. ``asv run -a rounds=2`` times in more
processes, in turns where it compares commits.
"""

import importlib
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asv_runner.benchmarks.mark import SkipNotImplemented
from threadpoolctl import threadpool_limits

from bench.core.target import Target

EDGE = Target("edge")
# Libraries read the variables while loading, so this comes first. numpy asv itself may have loaded: see below.
os.environ.update(EDGE.environment())
os.sched_setaffinity(0, EDGE.cores)

from bench.core import registry  # noqa: E402
from bench.measure import memory  # noqa: E402
from bench.run.protocol import Unsupported, case_seed  # noqa: E402
from bench.run.worker import Worker  # noqa: E402

if TYPE_CHECKING:
    from bench.core.case import Case

threadpool_limits(len(EDGE.cores))
with suppress(ImportError):
    importlib.import_module("torch")  # It starts no thread while it loads, so forking afterwards is safe.

CHECKOUT = Path(__file__).resolve().parents[4]
# As a run has them by default; said here, since commits differ in where they keep them.
TIMEOUT_S = 120.0
MEMORY_BYTES = 4 << 30

_worker = Worker()
_checks: list[dict[str, Any]] = []


class WrongAnswer(Exception):
    """There is no time, memory or error for it."""


def _benchmarks(workload: str, implementations: list[str], cases: list[str]) -> type:
    """The class for a workload. Its methods get the parameters, but what they need has been prepared."""
    title = registry.workloads()[workload].title if workload in registry.workloads() else workload

    class Benchmarks:
        param_names = ("implementation", "case")
        params = (implementations, cases)
        timeout = TIMEOUT_S
        rounds = 1  # processes for a time; more on request, as the docstring above has it
        warmup_time = 0.2
        repeat = (10, 2000, 1.0)  # samples at least and at most, seconds

        def time_call(self, implementation: str, case: str) -> None:
            _worker.call()

        def peakmem_call(self, implementation: str, case: str) -> None:
            # asv reads the high-water mark of the whole process afterwards; this starts it anew, after the checks.
            memory.peak_of(_worker.call)

        def track_peak_of_call(self, implementation: str, case: str) -> int:
            memory.peak_of(_worker.call)  # the first call has memory to set up
            return memory.peak_of(_worker.call)

        def track_error(self, implementation: str, case: str) -> float | None:
            error: float | None = _checks[-1]["error"]
            return error

        def track_macs(self, implementation: str, case: str) -> int | None:
            """None, which asv shows as n/a, where a trained model has its own work."""
            work = registry.workload(workload).work(_case(workload, case))
            return work.macs if work else None

    for method in (
        Benchmarks.time_call,
        Benchmarks.peakmem_call,
        Benchmarks.track_peak_of_call,
        Benchmarks.track_error,
    ):
        vars(method)["setup"] = partial(_prepare, workload)
    for method, name, unit in (
        (Benchmarks.time_call, "time of a call", "seconds"),
        (Benchmarks.peakmem_call, "peak memory of the process in a call", "bytes"),
        (Benchmarks.track_peak_of_call, "peak memory of a call above the prepared process", "bytes"),
        (Benchmarks.track_error, "largest error, relative to the largest value", "relative error"),
        (Benchmarks.track_macs, "multiply-accumulates, by formula", "MACs"),
    ):
        vars(method).update(pretty_name=f"{title}: {name}", unit=unit)
    Benchmarks.__name__ = "".join(part.capitalize() for part in workload.split("_"))
    return Benchmarks


def _prepare(workload: str, implementation: str, slug: str) -> None:
    """Prepare and check, once: asv asks for it again before every timed call."""
    if _checks:
        return
    case = _case(workload, slug)
    seed = case_seed(slug)
    _worker.load(
        asdict(_entry(workload, implementation)),
        type(registry.workload(workload)).__module__,
        str(EDGE),
        MEMORY_BYTES,
    )
    try:
        _worker.prepare(case.model_dump(mode="json"), seed)
    except Unsupported as reason:
        raise SkipNotImplemented(str(reason)) from None
    check = _worker.check(seed + 1)
    if not check["passed"]:
        raise WrongAnswer(check["reason"])
    _checks.append(check)


def _case(workload: str, slug: str) -> "Case":
    if workload in registry.workloads():
        for case in registry.workload(workload).suites()["quick"]:
            if case.slug == slug:
                return case
    raise SkipNotImplemented(f"this commit has no quick case {slug} of {workload}")


def _entry(workload: str, implementation: str) -> registry.Entry:
    for entry in registry.implementations():
        if (entry.workload, entry.name) == (workload, implementation):
            if EDGE.kind not in entry.targets:
                raise SkipNotImplemented(f"{implementation} does not run on {EDGE}")
            if missing := entry.missing():
                raise SkipNotImplemented(missing)
            return entry
    raise SkipNotImplemented(f"this commit has no implementation {implementation} of {workload}")


def _combinations() -> dict[str, tuple[list[str], list[str]]]:
    """Workload -> its implementations and quick cases, as the registry of the checkout has them."""
    command = [sys.executable, "-m", "bench", "run", "--suite", "quick", "--target", str(EDGE), "--dry-run", "--json"]
    keys = json.loads(subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE).stdout)
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for key in keys:
        implementations, cases = found.setdefault(key["workload"], ({}, {}))
        implementations[key["implementation"]] = None
        cases[key["case"]] = None
    return {workload: (list(names), list(cases)) for workload, (names, cases) in found.items()}


for _workload, (_names, _cases) in _combinations().items():
    _class = _benchmarks(_workload, _names, _cases)
    globals()[_class.__name__] = _class
