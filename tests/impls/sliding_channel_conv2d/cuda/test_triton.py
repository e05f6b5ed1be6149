"""The Triton kernels in its interpreter, which needs no GPU, against float64."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging.version import Version

triton = pytest.importorskip("triton")
pytestmark = pytest.mark.skipif(
    Version(triton.__version__) < Version("3.7") and Version(np.__version__) >= Version("2.5"),
    reason="Triton before 3.7 interprets with NumPy before 2.5 only",
)


@pytest.mark.parametrize("name", ["float32", "tf32", "float16"])
def test_against_float64(name):
    """In a process of its own: kernels are made for the interpreter or for a GPU when they are defined.

    Not bfloat16: the interpreter multiplies its bits as integers.
    """
    script = Path(__file__).with_name("interpret_triton.py")
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, str(script), name], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "layers are right" in done.stdout
