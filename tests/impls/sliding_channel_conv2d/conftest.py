"""Fixtures: an emulated GPU, a real GPU where there is one, and each backend of the layer."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import torch

from bench.core.target import Target
from impls.sliding_channel_conv2d._windows import Windows, overlap
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


def _unsupported(name):
    """Why this machine cannot run a backend, or None."""
    return None if name == "auto" else BACKENDS[name].unsupported(Windows(16, 32, 2, overlap(0.5)))


EACH_BACKEND = [
    pytest.param(name, marks=pytest.mark.skipif(_unsupported(name) is not None, reason=str(_unsupported(name))))
    for name in [*BACKENDS, "auto"]
]


@pytest.fixture(params=EACH_BACKEND)
def backend(request):
    """The name of each backend that this machine can run, and "auto"."""
    return request.param


@pytest.fixture
def unsupported_backends():
    return {name for name in BACKENDS if _unsupported(name)}


@pytest.fixture
def fresh_compiler():
    """Reset the compiler: otherwise earlier tests count against its limit of recompilations."""
    torch.compiler.reset()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """The emulated GPU of ``cuda/emulator.py``, which is loaded by its path because the tests are no package."""
    if shutil.which("g++") is None:
        pytest.skip("needs g++ to compile the kernels for the CPU")
    spec = importlib.util.spec_from_file_location("emulator_of_a_gpu", Path(__file__).parent / "cuda/emulator.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Emulator(tmp_path_factory.mktemp("kernels"))


class RealGpu:
    """The launcher of a real GPU, with the interface of the emulated one; it ignores ``reverse``."""

    device = "cuda"
    reverse = False

    def __init__(self):
        from impls.sliding_channel_conv2d.cuda.launcher import gpu

        self._launcher = gpu(torch.device("cuda", 0))
        self.multiprocessors = self._launcher.multiprocessors
        self.launched = []

    def launch(self, kernel, *others):
        self.launched.append(kernel)
        self._launcher.launch(kernel, *others)


@pytest.fixture(scope="session", params=["emulated", "real"])
def gpu(request):
    """A GPU, emulated or real, that launches kernels on tensors of its ``device``."""
    if request.param == "emulated":
        return request.getfixturevalue("emulator")
    if reason := Target("cuda").unavailable():
        pytest.skip(reason)
    return RealGpu()
