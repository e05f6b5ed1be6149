"""Grouped spatial pack convolution (GSPC, arXiv 2006.09791) as an operator."""

from dataclasses import fields

import tvm

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.gspc import schedule
from impls.grouped_conv2d.gspc.schedule import Knobs, Sizes
from impls.grouped_conv2d.tvm_unscheduled import compiled, llvm
from impls.grouped_conv2d.workload import GroupedConv2dCase


def instruction_set(target: Target) -> str:
    """Return the instruction set, a key of ``schedule.LANES``, for which code for ``target`` is compiled."""
    return schedule.instruction_set(llvm(target))


def untuned(case: GroupedConv2dCase, lanes: int) -> Knobs:
    """Return the paper's knobs for a case that was not tuned."""
    return schedule.untuned(_sizes(case), lanes)


def prepare(problem: Problem, target: Target, knobs: Knobs) -> Call:
    """Compile the convolution and return a call that allocates a new output each time."""
    cores = target.cores
    if len(cores) > 1:
        _use_threads(cores)
    return compiled(schedule.scheduled(_sizes(problem.case), knobs, parallel=len(cores) > 1), problem, target)


def _sizes(case: GroupedConv2dCase) -> Sizes:
    return Sizes(**{field.name: getattr(case, field.name) for field in fields(Sizes)})


def _use_threads(cores: tuple[int, ...]) -> None:
    """Make TVM's pool use one thread per core, free to move among ``cores``.

    By default, TVM binds the threads to the machine's first cores, whether or not this process owns them.
    """
    share_all = -3
    tvm.get_global_func("runtime.config_threadpool")(share_all, len(cores), [str(core) for core in cores])
