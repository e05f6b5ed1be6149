"""A target: where implementations run."""

import ctypes
import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BadUse

KINDS = ("cpu", "edge", "cuda")

_CAPS = {
    "avx2": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL X86_V4 AVX512_ICL AVX512_SPR",
    },
}
"""Instruction-set caps, as the libraries that have such a setting read it from the environment."""

COLD, GRAPH = "cold", "graph"

_OPTIONS = {"cpu": tuple(_CAPS), "edge": tuple(_CAPS), "cuda": (COLD, GRAPH)}

NAMES = (*KINDS, *(f"{kind}:{option}" for kind, options in _OPTIONS.items() for option in options))


@dataclass(frozen=True)
class Target:
    """``cpu``: all cores. ``edge``: one pinned core and one thread everywhere. ``cuda``: the first GPU that there is.

    ``cpu:avx2`` and ``edge:avx2`` also ask the libraries to stay within an instruction set; each record's facts say
    which of them did. On ``cuda``, calls follow each other, so that what fits the L2 cache is found there;
    ``cuda:cold`` empties it before each, and ``cuda:graph`` replays a CUDA graph of the call.
    """

    kind: str
    option: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Target":
        """``edge`` or ``edge:avx2``; raises BadUse with the valid choices."""
        kind, _, option = text.partition(":")
        if text not in NAMES:
            only_one = ", one for each run" if "," in text else ""
            raise BadUse(f"no target {text!r}; choose from {', '.join(NAMES)}{only_one}")
        return cls(kind, option or None)

    def __str__(self) -> str:
        return f"{self.kind}:{self.option}" if self.option else self.kind

    @property
    def isa(self) -> str | None:
        """The instruction set that libraries are asked to stay within; None: all that there is."""
        return self.option if self.option in _CAPS else None

    def unavailable(self) -> str | None:
        """Why nothing can run here, or None."""
        if self.kind == "cuda":
            return (reason := _no_gpu()) and f"target {self} needs {reason}"
        if self.isa == "avx2" and " avx2 " not in Path("/proc/cpuinfo").read_text():
            return f"target {self} needs a processor with AVX2, which this one is not"
        return None

    @property
    def cores(self) -> tuple[int, ...]:
        """The cores that its workers may use."""
        given = sorted(os.sched_getaffinity(0))
        return (_fastest(given),) if self.kind == "edge" else tuple(given)

    def environment(self) -> dict[str, str]:
        """Variables that a worker must be started with, since libraries read them once, while loading."""
        threads = str(len(self.cores))
        counts = {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
        return counts | (_CAPS[self.isa] if self.isa else {})


def _no_gpu() -> str | None:
    """What is missing to use a GPU from PyTorch, or None."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "an NVIDIA GPU and its driver, and libcuda.so.1 is not on this machine"
    count = ctypes.c_int()
    error = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if error or not count.value:
        return f"an NVIDIA GPU, and the driver finds none{f' (CUDA error {error})' if error else ''}"
    compute_mode, prohibited, exclusive = 20, 2, 3
    mode = ctypes.c_int()
    if driver.cuDeviceGetAttribute(ctypes.byref(mode), compute_mode, 0) == 0 and mode.value in (prohibited, exclusive):
        return "a GPU that several processes may use, and this one is set otherwise: nvidia-smi --compute-mode=DEFAULT"
    torch = importlib.import_module("torch")
    if torch.version.cuda is None:
        return f"a PyTorch that was built with CUDA, which {torch.__version__} was not; install another"
    return None


def _fastest(cores: list[int]) -> int:
    """The core with the highest capacity (big.LITTLE); among equals the last, since interrupts prefer the first."""

    def capacity(core: int) -> int:
        path = Path(f"/sys/devices/system/cpu/cpu{core}/cpu_capacity")
        return int(path.read_text()) if path.exists() else 0

    return max(cores, key=lambda core: (capacity(core), core))
