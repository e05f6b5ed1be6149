"""What kernels run on in tests: a GPU that is emulated, and a real one where there is one."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import torch

from bench.core.target import Target


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """See ``cuda/emulator.py``. Tests are no package, so it is loaded by its path."""
    if shutil.which("g++") is None:
        pytest.skip("needs g++ to compile the kernels for the CPU")
    spec = importlib.util.spec_from_file_location("emulator_of_a_gpu", Path(__file__).parent / "cuda/emulator.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Emulator(tmp_path_factory.mktemp("kernels"))


class RealGpu:
    """The launcher of a real GPU, with what tests ask of the emulated one; in which order threads run is its own."""

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
    """Something that launches kernels, on tensors of its ``device``."""
    if request.param == "emulated":
        return request.getfixturevalue("emulator")
    if reason := Target("cuda").unavailable():
        pytest.skip(reason)
    return RealGpu()
