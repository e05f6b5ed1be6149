"""Grouped spatial pack convolution (GSPC) in TVM, with block sizes that were tuned and stored as JSON."""

from functools import cached_property
from pathlib import Path

from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d import _gspc
from impls.grouped_conv2d._choices import Choices
from impls.grouped_conv2d.gspc import schedule
from impls.grouped_conv2d.workload import GroupedConv2dCase

FILE = Path(__file__).with_suffix(".json")


class TvmGspcTuned(Implementation):
    """Grouped spatial pack convolution (GSPC) re-created with TVM, with tuned block sizes."""

    workload = "grouped_conv2d"
    requires = ("apache-tvm",)
    paper = "arXiv 2006.09791"
    note = (
        "As tvm_gspc, with block sizes and an order of loops that were searched for each case, on one thread, with a "
        "tuner of ours. They are stored beside the implementation with the machine they were found on: "
        "impls/grouped_conv2d/tvm_gspc_tuned.json. Tuning is not timed."
    )
    setup = "Tune its block sizes: python -m impls.grouped_conv2d._tune_gspc --suite gspc --again"

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        if reason := schedule.unsupported(case.dtype):
            return reason
        if self._choices.tuned(case):
            return None
        return f"not tuned for this case; run python -m impls.grouped_conv2d._tune_gspc --problem {case.slug}"

    def prepare(self, problem: Problem, target: Target) -> Call:
        isa = _gspc.instruction_set(target)
        call = _gspc.prepare(problem, target, schedule.Knobs(**self._choices.find(problem.case, isa)))
        return with_facts(call, {"tuned on": self._choices.found_on(isa)})

    @cached_property
    def _choices(self) -> Choices:
        return Choices(FILE)
