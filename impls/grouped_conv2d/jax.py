"""JAX: XLA's convolution on the CPU."""

from collections.abc import Callable

import jax
import numpy as np

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase


class Jax(Implementation):
    """jax.lax.conv_general_dilated, compiled by XLA for the CPU."""

    workload = "grouped_conv2d"
    requires = ("jax",)
    note = (
        "Timed: handing the input over to JAX, which reads numpy's memory in place where it can, the compiled "
        "computation, waiting for its end (block_until_ready), and viewing the output as numpy's array. Compiling is "
        "not timed; the weights are arrays of JAX's from then on. On one core computations run in the calling thread "
        "instead of JAX's own (asynchronous dispatch is switched off), since nothing can run beside it."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        convolve = compiled(problem, inline=len(target.cores) == 1)
        return lambda: np.asarray(convolve().block_until_ready())


def compiled(problem: Problem, inline: bool) -> Callable[[], jax.Array]:
    """Return a function that begins the convolution; unless ``inline``, it may return before the output is computed.

    The input is converted in each call: JAX may read the memory of a numpy array in place, or from a copy, so a JAX
    array that was created before a refill could hold the old values or the new ones.

    Both settings hold for the process. They take effect once, when the first array starts JAX's backend. Importing this
    file does not start it, so a process may fork after the import.
    """
    jax.config.update("jax_enable_x64", True)  # Otherwise float64 is rounded to float32; float32 stays as it is.
    jax.config.update("jax_cpu_enable_async_dispatch", not inline)
    cpu = jax.local_devices(backend="cpu")[0]
    constants = [jax.device_put(array, cpu) for array in problem.constants.values()]
    x = problem.inputs["x"]
    arguments = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in (x, *constants)]
    options = {"xla_cpu_multi_thread_eigen": not inline}
    with jax.default_device(cpu):
        execute = jax.jit(_convolution(problem.case)).lower(*arguments).compile(compiler_options=options)
    return lambda: execute(x, *constants)


def _convolution(case: GroupedConv2dCase) -> Callable[..., jax.Array]:
    top, bottom, left, right = case.padding

    def convolve(x: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
        y = jax.lax.conv_general_dilated(
            x,
            weight,
            window_strides=case.stride,
            padding=((top, bottom), (left, right)),
            rhs_dilation=case.dilation,
            feature_group_count=case.groups,
        )
        return y if bias is None else y + bias[:, None, None]

    return convolve
