"""Tunes the knobs of GSPC, for one thread, and stores them: ``python -m impls.grouped_conv2d._tune_gspc --suite gspc``.

The paper searched with TVM's AutoTVM, which is gone. Here one knob after another takes its best value, from the untuned
choice on, until none changes: some 30 candidates a case. The best few then take turns with the untuned choice, since
single timings are short and neighbours noisy.
"""

import argparse
import math
import os
import time
from dataclasses import asdict, replace
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d import _gspc
from impls.grouped_conv2d._choices import Choices, targets
from impls.grouped_conv2d._gspc import LANES, Knobs
from impls.grouped_conv2d.tvm_gspc_tuned import FILE
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase


def main() -> None:
    workload = GroupedConv2d()
    parser = argparse.ArgumentParser(description=f"Tune tvm_gspc_tuned for this machine, into {FILE.name}.")
    parser.add_argument("--suite", default="gspc", choices=sorted(workload.suites()))
    parser.add_argument("--again", action="store_true", help="also cases that have been tuned before")
    arguments = parser.parse_args()
    choices = Choices(FILE)
    for isa, target in targets().items():
        os.sched_setaffinity(0, target.cores)
        for case in workload.suites()[arguments.suite]:
            if _gspc.unsupported(case) or (choices.find(case, isa) and not arguments.again):
                continue
            best, gain, tried = tune(workload.problem(case, seed=0).aligned(), target, LANES[isa])
            choices.store(case, isa, asdict(best))
            print(f"{isa} {case.slug}: {best}, {gain:.2f}x the untuned speed, {tried} tried", flush=True)


def tune(problem: Problem, target: Target, lanes: int) -> tuple[Knobs, float, int]:
    """The best knobs found, how much faster they are than the untuned ones, and how many were tried."""
    start = _gspc.untuned(problem.case, lanes)
    seconds: dict[Knobs, float] = {}

    def timed(knobs: Knobs) -> float:
        if knobs not in seconds:
            seconds[knobs] = quickest(_gspc.prepare(problem, target, knobs))
        return seconds[knobs]

    best, before = start, None
    while best != before:
        before = best
        for knob, values in allowed(problem.case, lanes).items():
            changed = [replace(best, **{knob: value}) for value in values]
            best = min((knobs for knobs in changed if _compiles_soon(knobs, lanes)), key=timed, default=best)
    finalists = dict.fromkeys([start, best, *sorted(seconds, key=timed)[:3]])
    calls = {knobs: _gspc.prepare(problem, target, knobs) for knobs in finalists}
    turns = dict.fromkeys(calls, math.inf)
    for _ in range(5):
        for knobs, call in calls.items():
            turns[knobs] = min(turns[knobs], quickest(call))
    best = min(turns, key=turns.__getitem__)
    return best, turns[start] / turns[best], len(seconds)


def allowed(case: GroupedConv2dCase, lanes: int) -> dict[str, list[Any]]:
    """The values of each knob; ``reg_n`` = 1 is left out, which compiles for seconds and never won."""
    return {
        "reg_n": _gspc.divisors(case.output_size[1], 64)[1:] or [1],
        "oc_bn": _gspc.divisors(case.cout // case.groups, 4 * lanes),
        "ic_bn": _gspc.divisors(case.cin // case.groups, 64),
        "unroll_kw": [True, False],
    }


def _compiles_soon(knobs: Knobs, lanes: int) -> bool:
    """Whether all sums together are 64 vectors at most. More compile for seconds, and fit no processor's registers."""
    return knobs.reg_n * math.ceil(knobs.oc_bn / lanes) <= 64


def quickest(call: Call, budget_s: float = 0.02) -> float:
    """Seconds of the quickest call of as many as fit the budget, at least five."""
    call()
    taken: list[float] = []
    while len(taken) < 5 or sum(taken) < budget_s:
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return min(taken)


if __name__ == "__main__":
    main()
