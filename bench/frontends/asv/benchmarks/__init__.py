"""The benchmarks for asv: a class for each workload, with implementations and cases of suite ``first`` as parameters.

asv takes this file from the checkout that holds ``asv.conf.json``, and ``bench`` and ``impls`` from the commit that it
has built. A process gets only the number of its combination of parameters from asv, so the combinations must be the
same for every commit; they are read from the checkout. What a commit or its environment lacks is n/a there. A commit
that lacks a name imported below cannot be measured, so these names are few.

asv imports this file in one process, and forks that process for each combination. Importing torch would take most of a
run, so the first process imports it for all; other libraries are loaded where they are used. Hence the peak memory that
asv reads is that of the whole process, mostly PyTorch's; ``track_peak_of_call`` measures the call alone.
``asv run -a rounds=2`` times in more processes, alternating where it compares commits.
"""

import importlib
import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asv_runner.benchmarks.mark import SkipNotImplemented
from threadpoolctl import threadpool_limits

from bench.core.target import Target

EDGE = Target("edge")
# Libraries read the variables while loading, so this comes first. asv may have loaded numpy, hence the limit below.
os.environ.update(EDGE.environment())
os.sched_setaffinity(0, EDGE.cores)

from bench.core import registry  # noqa: E402
from bench.core.record import Status  # noqa: E402
from bench.measure import memory  # noqa: E402
from bench.run.attempt import Attempt  # noqa: E402
from bench.run.executors.inprocess import InProcess, InProcessRunner  # noqa: E402
from bench.run.plan import Session  # noqa: E402

if TYPE_CHECKING:
    from bench.core.case import Case
    from bench.core.implementation_spec import ImplementationSpec
    from bench.core.workload import Call

threadpool_limits(len(EDGE.cores))
with suppress(ImportError):
    importlib.import_module("torch")  # It starts no thread while it loads, so forking afterwards is safe.

CHECKOUT = Path(__file__).resolve().parents[4]
SUITE = "first"
TIMEOUT_S = 120.0
"""The default timeout of ``featherbench run``."""

_executor = InProcess(EDGE)
_prepared: list[Attempt] = []
"""The attempt of this process, once it is prepared."""
_calls: list["Call"] = []
"""The call of that attempt."""


class NotMeasuredError(Exception):
    """The implementation did not pass; the message says why."""


def _benchmark_class(workload: str, implementations: list[str], cases: list[str]) -> type:
    """Return the class for a workload; ``_prepare`` prepares what its methods need before they are called."""
    title = registry.workloads()[workload].title if workload in registry.workloads() else workload

    class Benchmarks:
        param_names = ("implementation", "case")
        params = (implementations, cases)
        timeout = TIMEOUT_S
        rounds = 1  # processes that time; more on request, see the module's docstring
        warmup_time = 0.2
        repeat = (10, 2000, 1.0)  # minimum and maximum number of samples, seconds

        def time_call(self, implementation: str, case: str) -> None:
            _calls[0]()

        def peakmem_call(self, implementation: str, case: str) -> None:
            # asv reads the high-water mark of the whole process afterwards; this resets it after the checks.
            memory.peak_of(_calls[0])

        def track_peak_of_call(self, implementation: str, case: str) -> int:
            memory.peak_of(_calls[0])  # the first call has memory to set up
            return memory.peak_of(_calls[0])

        def track_error(self, implementation: str, case: str) -> float | None:
            check = _prepared[-1].check
            return check.error if check else None

        def track_macs(self, implementation: str, case: str) -> int:
            _spec(workload, implementation)  # n/a where it cannot run, as its times are
            if work := registry.workload(workload).work(_case(workload, case)):
                return work.macs
            raise SkipNotImplemented("each trained model has its own work")  # asv takes None for a failure

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
    """Prepare, check, time a round and check again, only once although asv calls this before every timed call.

    asv has no hook for a check after its timing, so an output that is wrong only in timed calls is found in that round.
    """
    if _prepared:
        return
    spec, case = _spec(workload, implementation), _case(workload, slug)
    if missing := registry.workload(workload).missing(case):
        raise SkipNotImplemented(missing)
    attempt = Attempt(spec, Session(workload, registry.workload(workload), case, (spec,)), _executor, EDGE.cores)
    attempt.examine(EDGE.cores)
    attempt.warm_up()
    attempt.take_round(1)
    if isinstance(runner := attempt.runner, InProcessRunner):
        _calls.append(runner.worker.call)
    attempt.finish()
    if attempt.status is Status.UNSUPPORTED:
        raise SkipNotImplemented(attempt.reason)
    if not attempt.passing:
        raise NotMeasuredError(attempt.reason)
    _prepared.append(attempt)


def _case(workload: str, slug: str) -> "Case":
    if workload in registry.workloads():
        for case in registry.workload(workload).suites()[SUITE]:
            if case.slug == slug:
                return case
    raise SkipNotImplemented(f"this commit has no such case {slug} of {workload}")


def _spec(workload: str, implementation: str) -> "ImplementationSpec":
    for spec in registry.implementations():
        if (spec.workload, spec.name) == (workload, implementation):
            if EDGE.kind not in spec.targets:
                raise SkipNotImplemented(f"{implementation} does not run on {EDGE}")
            if missing := spec.missing():
                raise SkipNotImplemented(missing)
            if getattr(spec, "environment", ()):  # older commits have no such attribute
                raise SkipNotImplemented(f"{implementation} runs only in an environment of its own: featherbench run")
            return spec
    raise SkipNotImplemented(f"this commit has no implementation {implementation} of {workload}")


def _combinations() -> dict[str, tuple[list[str], list[str]]]:
    """Return the implementations and cases of each workload in the checkout."""
    command = [sys.executable, "-m", "bench", "run", "--suite", SUITE, "--target", str(EDGE), "--dry-run", "--json"]
    keys = json.loads(subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE).stdout)
    combinations: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for key in keys:
        implementations, cases = combinations.setdefault(key["workload"], ({}, {}))
        implementations[key["implementation"]] = None
        cases[key["case"]] = None
    return {workload: (list(names), list(cases)) for workload, (names, cases) in combinations.items()}


for _workload in registry.workloads():
    registry.workload(_workload).suites()  # once for all processes, since workloads with many cases cache them
for _workload, (_names, _cases) in _combinations().items():
    _class = _benchmark_class(_workload, _names, _cases)
    globals()[_class.__name__] = _class
