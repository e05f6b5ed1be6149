"""Tune the knobs of GSPC for one thread and store them: ``python -m impls.grouped_conv2d._tune_gspc --suite gspc``.

The paper searched with AutoTVM, which TVM has removed. This tuner starts from the untuned knobs and sets one knob after
another to its best value until none changes, which takes some 30 candidates per case. It then times the best few in
alternation with the untuned knobs, since single timings are short and neighbours noisy.
"""

import math
import os
import time
from dataclasses import asdict, replace
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d import _gspc
from impls.grouped_conv2d._choices import Choices, cases_to_tune, targets, tuning_options
from impls.grouped_conv2d.gspc.schedule import LANES, Knobs, divisors, unsupported
from impls.grouped_conv2d.tvm_gspc_tuned import FILE
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase


def main() -> None:
    workload = GroupedConv2d()
    options = tuning_options(f"Tune tvm_gspc_tuned for this machine, into {FILE.name}.", "gspc").parse_args()
    choices = Choices(FILE)
    for isa, target in targets().items():
        os.sched_setaffinity(0, target.cores)
        for case in cases_to_tune(options, workload.suites()["gspc"]):
            if unsupported(case.dtype) or (choices.find(case, isa) and not options.again):
                continue
            best, gain, tried = tune(workload.problem(case, seed=0).aligned(), target, LANES[isa])
            choices.store(case, isa, asdict(best))
            print(f"{isa} {case.slug}: {best}, {gain:.2f}x the untuned speed, {tried} tried", flush=True)


def tune(problem: Problem, target: Target, lanes: int) -> tuple[Knobs, float, int]:
    """Return the best knobs, their speedup over the untuned ones, and the number of candidates tried."""
    untuned = _gspc.untuned(problem.case, lanes)
    seconds: dict[Knobs, float] = {}

    def measure(knobs: Knobs) -> float:
        if knobs not in seconds:
            seconds[knobs] = quickest(_gspc.prepare(problem, target, knobs))
        return seconds[knobs]

    best, previous = untuned, None
    while best != previous:
        previous = best
        for knob, values in allowed(problem.case, lanes).items():
            candidates = [replace(best, **{knob: value}) for value in values]
            best = min((knobs for knobs in candidates if _compiles_quickly(knobs, lanes)), key=measure, default=best)
    finalists = dict.fromkeys([untuned, best, *sorted(seconds, key=measure)[:3]])
    calls = {knobs: _gspc.prepare(problem, target, knobs) for knobs in finalists}
    final_seconds = dict.fromkeys(calls, math.inf)
    for _ in range(5):
        for knobs, call in calls.items():
            final_seconds[knobs] = min(final_seconds[knobs], quickest(call))
    best = min(final_seconds, key=final_seconds.__getitem__)
    return best, final_seconds[untuned] / final_seconds[best], len(seconds)


def allowed(case: GroupedConv2dCase, lanes: int) -> dict[str, list[Any]]:
    """Return the values to try for each knob; ``reg_n`` = 1, which compiles for seconds and never won, is left out."""
    return {
        "reg_n": divisors(case.output_size[1], 64)[1:] or [1],
        "oc_bn": divisors(case.cout // case.groups, 4 * lanes),
        "ic_bn": divisors(case.cin // case.groups, 64),
        "unroll_kw": [True, False],
    }


def _compiles_quickly(knobs: Knobs, lanes: int) -> bool:
    """Whether the accumulators are at most 64 vectors. More compile for seconds, and fit no processor's registers."""
    return knobs.reg_n * math.ceil(knobs.oc_bn / lanes) <= 64


def quickest(call: Call, budget_s: float = 0.02) -> float:
    """Return the time in seconds of the quickest of at least five calls, which together take at least ``budget_s``."""
    call()
    durations: list[float] = []
    while len(durations) < 5 or sum(durations) < budget_s:
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return min(durations)


if __name__ == "__main__":
    main()
