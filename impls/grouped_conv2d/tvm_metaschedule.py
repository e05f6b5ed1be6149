"""Apache TVM's stock convolutions, scheduled by MetaSchedule."""

from functools import cached_property
from pathlib import Path

import tvm
from tvm import s_tir

from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d._choices import Choices
from impls.grouped_conv2d._gspc import instruction_set
from impls.grouped_conv2d.tvm_unscheduled import compiled, definition
from impls.grouped_conv2d.workload import GroupedConv2dCase

FILE = Path(__file__).with_suffix(".json")


class TvmMetaschedule(Implementation):
    """Apache TVM's definition of the convolution (topi), with the best schedule of a short MetaSchedule search."""

    workload = "grouped_conv2d"
    requires = ("apache-tvm",)
    note = (
        "Timed: the compiled function, on one thread on every target, since it was searched for one core. Input and "
        "output are NCHW and weights OIHW, in the definition's own layouts throughout; the output is new at each call. "
        "The schedule is the quickest of 64 that MetaSchedule tried for the case. It is stored beside the "
        "implementation with the machine it was found on: impls/grouped_conv2d/tvm_metaschedule.json. Neither "
        "searching nor compiling is timed."
    )
    setup = (
        "Search its schedules, as the head of impls/grouped_conv2d/_tune_metaschedule.py describes: "
        "python -m impls.grouped_conv2d._tune_metaschedule --again"
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        if self._choices.tuned(case):
            return None
        return (
            "no schedule is stored for this case and instruction set; as the head of "
            "impls/grouped_conv2d/_tune_metaschedule.py describes, run python -m "
            f"impls.grouped_conv2d._tune_metaschedule --problem {case.slug}"
        )

    def prepare(self, problem: Problem, target: Target) -> Call:
        schedule = s_tir.Schedule(tvm.IRModule({"main": definition(problem.case)}))
        isa = instruction_set(target)
        s_tir.schedule.Trace.apply_json_to_schedule(self._choices.find(problem.case, isa), schedule)
        return with_facts(compiled(schedule.mod, problem, target), {"tuned on": self._choices.found_on(isa)})

    @cached_property
    def _choices(self) -> Choices:
        return Choices(FILE)
