"""Apache TVM's stock convolutions, scheduled by a MetaSchedule search on this machine."""

from tvm.s_tir.meta_schedule.cost_model import XGBModel

from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d._tune_metaschedule import TRIALS_PER_ROUND, search

TRIALS = TRIALS_PER_ROUND
"""Number of schedules compiled and timed: one round, since each process searches anew."""


class TvmMetascheduleSearch(Implementation):
    """Apache TVM's definition of the convolution (topi), with the best schedule of a tiny search on this machine."""

    workload = "grouped_conv2d"
    requires = ("apache-tvm", "scipy")
    # MetaSchedule crashes with newer releases of apache-tvm-ffi. Its cost model is xgboost's.
    environment = ("apache-tvm-ffi==0.1.14.post1", "xgboost-cpu==3.2.0")
    note = (
        "Timed: the compiled function, on one thread on every target, since it is searched for one core. Input and "
        "output are NCHW and weights OIHW, in the definition's own layouts throughout; the output is new at each call. "
        "The schedule is the quickest of 16 that MetaSchedule tried for the case, in each process anew, so processes "
        "differ by their schedules too. Neither searching nor compiling is timed."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        model = XGBModel(num_warmup_samples=TRIALS_PER_ROUND, num_tuning_cores=1)
        call = search(problem, target, model, TRIALS).call
        return with_facts(call, {"schedules tried": str(TRIALS)})
