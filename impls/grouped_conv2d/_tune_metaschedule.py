"""Search schedules with TVM's MetaSchedule for one thread and store them for ``tvm_metaschedule``.

This program needs the environment of ``tvm_metaschedule_search``. MetaSchedule copies what it schedules with
``tvm.ir.save_json``, which crashes with the apache-tvm-ffi that constraints.txt pins but works with an older one. The
stored schedules apply with either. Run it from a checkout, with the folder that the second command prints:

    featherbench build grouped_conv2d --impl tvm_metaschedule_search
    featherbench list | grep tvm_metaschedule_search
    PYTHONPATH=FOLDER python -m impls.grouped_conv2d._tune_metaschedule

Without ``--suite`` or ``--problem``, it searches the 42 cases of ``tuned_by_default``, in 24 minutes on one Zen 5 core
for both of its instruction sets. After an interruption, a new run continues with the next case.

The search is MetaSchedule's own evolutionary search over its own rules for LLVM, guided by its own cost model of
boosted trees; all cases of an instruction set share one model. Three things differ from its defaults: rules and
mutators that split work between cores are left out; populations are small, since evolving takes longer than measuring;
and candidates are compiled and timed in this process, as ``tvm_metaschedule`` will call them.
"""

import importlib
import inspect
import os
import tempfile
import time
from importlib.metadata import version
from typing import Any, NamedTuple
from unittest.mock import patch

import tvm
from tvm.ir.utils import derived_object
from tvm.s_tir import meta_schedule
from tvm.s_tir.meta_schedule.builder import BuilderInput, BuilderResult, PyBuilder
from tvm.s_tir.meta_schedule.cost_model import CostModel, XGBModel
from tvm.s_tir.meta_schedule.database import MemoryDatabase, TuningRecord
from tvm.s_tir.meta_schedule.measure_callback import AddToDatabase, UpdateCostModel
from tvm.s_tir.meta_schedule.mutator import MutateParallel, Mutator
from tvm.s_tir.meta_schedule.runner import PyRunner, PyRunnerFuture, RunnerInput, RunnerResult
from tvm.s_tir.meta_schedule.schedule_rule import AddRFactor, ParallelizeVectorizeUnroll, ScheduleRule
from tvm.s_tir.meta_schedule.search_strategy import EvolutionarySearch
from tvm.s_tir.meta_schedule.space_generator import PostOrderApply, SpaceGenerator
from tvm.tirx import FloatImm, IntImm

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d._choices import Choices, cases_to_tune, targets, tuning_options
from impls.grouped_conv2d._tune_gspc import quickest
from impls.grouped_conv2d.tvm_metaschedule import FILE
from impls.grouped_conv2d.tvm_unscheduled import compiled, definition, llvm
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase

TRIALS = 64
"""Number of schedules compiled and timed for each case."""
TRIALS_PER_ROUND = 16
"""Number of trials after which the cost model learns and the search continues from the best schedules so far."""
POPULATION = 32
GENERATIONS = 2
"""How many schedules evolve in a round, and for how many generations, before those to try are picked. MetaSchedule's
defaults are 512 and 4; with 256 and 4 a round takes 12 to 18 seconds.
"""
FFI_VERSION = "0.1.14.post1"
"""The newest apache-tvm-ffi with which MetaSchedule works."""


class SearchResult(NamedTuple):
    """The fastest schedule that a search has tried."""

    seconds: float
    """Time of a call."""
    trace: Any
    """The schedule as JSON."""
    call: Call
    """The function that is compiled with it."""


def main() -> None:
    workload = GroupedConv2d()
    parser = tuning_options(f"Search schedules on this machine, into {FILE.name}.", "quick, and gspc at stride 1")
    options = parser.parse_args()
    if (installed := version("apache-tvm-ffi")) != FFI_VERSION:
        parser.error(f"needs apache-tvm-ffi {FFI_VERSION}, not {installed}: run it as the head of {__file__} describes")
    choices = Choices(FILE, trials=TRIALS, cost_model="xgboost")
    models = {isa: XGBModel(num_warmup_samples=TRIALS_PER_ROUND, num_tuning_cores=1) for isa in targets()}
    for case in cases_to_tune(options, tuned_by_default(workload)):
        for isa, target in targets().items():
            if choices.find(case, isa) and not options.again:
                continue
            os.sched_setaffinity(0, target.cores)
            start = time.perf_counter()
            problem = workload.problem(case, seed=0).aligned()
            best = search(problem, target, models[isa], TRIALS)
            if not (check := workload.check_output(problem, best.call, best.call())).passed:
                raise RuntimeError(f"{case.slug}: {check.reason}")
            choices.store(case, isa, best.trace)
            speed = 2e-9 * workload.work(case).macs / best.seconds
            print(f"{isa} {case.slug}: {speed:.1f} GFLOP/s, in {time.perf_counter() - start:.0f} s", flush=True)


def tuned_by_default(workload: GroupedConv2d) -> list[GroupedConv2dCase]:
    """Return the quick suite, and the layers of the GSPC paper that have stride 1 and more than one group."""
    layers = [case for case in workload.suites()["gspc"] if case.stride == (1, 1) and case.groups > 1]
    return list(dict.fromkeys([*workload.suites()["quick"], *layers]))


def search(problem: Problem, target: Target, model: CostModel, trials: int) -> SearchResult:
    """Search a schedule for a problem.

    Args:
        problem: the convolution, with its arrays.
        target: the instruction set and cores to compile for and time on.
        model: the cost model, which learns from each schedule that is timed.
        trials: the number of schedules that are compiled and timed.
    """
    _import_intrinsics()
    calls: dict[str, Call] = {}
    with tempfile.TemporaryDirectory() as logs:
        database = meta_schedule.tune_tir(
            definition(problem.case),
            llvm(target),
            logs,
            trials,
            num_trials_per_iter=TRIALS_PER_ROUND,
            builder=_Builder(problem, target, calls),
            runner=_Runner(calls),
            database=MemoryDatabase(),
            cost_model=model,
            measure_callbacks=[AddToDatabase(), UpdateCostModel()],
            space=_space_for_one_core(),
            strategy=EvolutionarySearch(
                population_size=POPULATION, init_min_unmeasured=TRIALS_PER_ROUND, genetic_num_iters=GENERATIONS
            ),
            num_tuning_cores=1,
            seed=1,
        )
    best = min(database.get_all_tuning_records(), key=_seconds)
    call = compiled(best.as_measure_candidate().sch.mod, problem, target)
    return SearchResult(_seconds(best), _to_python(best.trace.as_json()), call)


def _import_intrinsics() -> None:
    """Import TVM's tensor intrinsics, which MetaSchedule imports in its first search, without reading sources.

    TVM inspects the stack for each intrinsic, and ``inspect.stack`` searches all loaded modules for the source of each
    frame. Beside PyTorch, with its thousands of modules, that takes minutes, not seconds. TVM ignores the sources.
    """
    with patch.object(inspect, "stack", _stack_without_sources):
        importlib.import_module("tvm.s_tir.tensor_intrin")


def _stack_without_sources() -> list[inspect.FrameInfo]:
    """Return the frames of the caller and of its callers, as ``inspect.stack`` does, but without source lines."""
    frames = []
    frame = inspect.currentframe()
    while frame := frame and frame.f_back:
        code = frame.f_code
        frames.append(inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None))
    return frames


def _seconds(record: TuningRecord) -> float:
    return min(float(seconds) for seconds in record.run_secs)


def _space_for_one_core() -> SpaceGenerator:
    """Return MetaSchedule's own rules for LLVM, without those that split work between cores."""
    serial = ParallelizeVectorizeUnroll(-1, max_vectorize_extent=64, unroll_max_steps=[0, 16, 64, 512])
    rules = [
        serial if isinstance(rule, ParallelizeVectorizeUnroll) else rule
        for rule in ScheduleRule.create("llvm")
        if not isinstance(rule, AddRFactor)
    ]
    mutators = Mutator.create("llvm").items()
    return PostOrderApply(
        sch_rules=rules,
        postprocs="llvm",
        mutator_probs={mutator: p for mutator, p in mutators if not isinstance(mutator, MutateParallel)},
    )


def _to_python(trace: Any) -> Any:
    """Replace TVM's numbers by Python's, so that ``json`` can write them."""
    if isinstance(trace, list):
        return [_to_python(item) for item in trace]
    return trace.value if isinstance(trace, IntImm | FloatImm) else trace


@derived_object
class _Builder(PyBuilder):  # type: ignore[misc]  # TVM has no types
    """Compiles candidates into ``calls``, each under a name of its own."""

    def __init__(self, problem: Problem, target: Target, calls: dict[str, Call]) -> None:
        super().__init__()
        self.problem, self.target, self.calls = problem, target, calls

    def build(self, build_inputs: list[BuilderInput]) -> list[BuilderResult]:
        return [BuilderResult(*self._build(build_input.mod)) for build_input in build_inputs]

    def _build(self, module: tvm.IRModule) -> tuple[str | None, str | None]:
        """Return the candidate's name and None, or None and why it cannot be compiled."""
        name = f"candidate {len(self.calls)}"
        try:
            self.calls[name] = compiled(module, self.problem, self.target)
        except Exception as error:
            return None, str(error)
        return name, None


@derived_object
class _Runner(PyRunner):  # type: ignore[misc]
    """Times the candidates that ``_Builder`` has compiled."""

    def __init__(self, calls: dict[str, Call]) -> None:
        super().__init__()
        self.calls = calls

    def run(self, runner_inputs: list[RunnerInput]) -> list[PyRunnerFuture]:
        return [_Finished(quickest(self.calls.pop(str(runner_input.artifact_path)))) for runner_input in runner_inputs]


@derived_object
class _Finished(PyRunnerFuture):  # type: ignore[misc]
    """The future of a measurement that has already finished."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def done(self) -> bool:
        return True

    def result(self) -> RunnerResult:
        return RunnerResult([self.seconds], None)


if __name__ == "__main__":
    main()
