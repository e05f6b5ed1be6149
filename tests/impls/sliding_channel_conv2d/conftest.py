"""A GPU that is emulated, for kernels from their very source."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest


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
