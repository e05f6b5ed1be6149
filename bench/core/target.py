"""A target: where implementations run."""

import ctypes
import importlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import UsageError

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
"""Environment variables by which libraries cap their instruction set, for those libraries that can."""

COLD, GRAPH = "cold", "graph"

_OPTIONS = {"cpu": tuple(_CAPS), "edge": tuple(_CAPS), "cuda": (COLD, GRAPH)}

_MEANINGS = {
    "cpu": "all cores",
    "edge": "one core, one thread",
    "cuda": "an NVIDIA GPU",
    "avx2": "libraries asked to stay within AVX2",
    COLD: "its L2 cache emptied before each call",
    GRAPH: "calls replayed as a CUDA graph",
}
"""What kinds and options mean, for readers of results."""

NAMES = (*KINDS, *(f"{kind}:{option}" for kind, options in _OPTIONS.items() for option in options))


@dataclass(frozen=True)
class Target:
    """Where a run is measured: a kind of target, with an option or without.

    ``cpu`` is all cores. ``edge`` is one pinned core, with one thread in every library. ``cuda`` is the first GPU.
    ``cpu:avx2`` and ``edge:avx2`` also ask the libraries to stay within an instruction set; each record's facts say
    which of them did. On ``cuda`` one call follows another, so data that fits the L2 cache stays there; ``cuda:cold``
    flushes that cache before each call, and ``cuda:graph`` replays a CUDA graph of the call.
    """

    kind: str
    option: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Return the target that a text such as ``edge`` or ``edge:avx2`` names.

        Raises:
            UsageError: where there is no such target; the message lists the valid choices.
        """
        kind, _, option = text.partition(":")
        if text not in NAMES:
            hint = ", one for each run" if "," in text else ""
            raise UsageError(f"no target {text!r}; choose from {', '.join(NAMES)}{hint}")
        return cls(kind, option or None)

    def __str__(self) -> str:
        return f"{self.kind}:{self.option}" if self.option else self.kind

    @property
    def meaning(self) -> str:
        """What it is, in a few words, e.g. ``one core, one thread``."""
        return ", ".join(_MEANINGS[part] for part in (self.kind, self.option) if part)

    @property
    def isa(self) -> str | None:
        """The instruction set that libraries are asked to stay within; None where there is no cap."""
        return self.option if self.option in _CAPS else None

    def unavailable(self) -> str | None:
        """Return why nothing can run on this target here, or None."""
        if self.kind == "cuda":
            return (reason := _missing_for_gpu()) and f"target {self} needs {reason}"
        if self.isa == "avx2" and " avx2 " not in Path("/proc/cpuinfo").read_text():
            return f"target {self} needs a processor with AVX2, and this one has none"
        return None

    @property
    def cores(self) -> tuple[int, ...]:
        """The cores that workers on this target may use."""
        allowed = sorted(os.sched_getaffinity(0))
        return (_fastest(allowed),) if self.kind == "edge" else tuple(allowed)

    @property
    def preparing_cores(self) -> tuple[tuple[int, ...], ...]:
        """Sets of cores for several workers to prepare on at once, each as many and as fast as ``cores``."""
        allowed = sorted(os.sched_getaffinity(0))
        if self.kind != "edge":
            return (tuple(allowed),) * len(allowed)
        return tuple((core,) for core in allowed if _capacity(core) == _capacity(*self.cores))

    def environment(self) -> dict[str, str]:
        """Return the variables that a worker must be started with, since libraries read them once, while loading."""
        threads = str(len(self.cores))
        variables = {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
        if self.kind != "cuda":
            variables["CUDA_VISIBLE_DEVICES"] = ""  # A library that has started CUDA cannot be used after a fork.
        if self.kind == "edge":
            # TBB, in OpenVINO, would use hwloc at every call to bind its thread to the core that it was prepared on.
            variables["HWLOC_THISSYSTEM"] = "0"
        if self.isa:
            # PyTorch's compiler caches by source, so it would reuse code compiled for other instruction sets.
            cache = Path(tempfile.gettempdir()) / f"torchinductor_{os.getuid()}_{self.isa}"
            variables |= _CAPS[self.isa] | {"TORCHINDUCTOR_CACHE_DIR": str(cache)}
        return variables


def _missing_for_gpu() -> str | None:
    """Return what is missing to use a GPU from PyTorch, or None."""
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
        return f"a PyTorch built with CUDA, and {torch.__version__} is not; install a CUDA build"
    return None


def _fastest(cores: list[int]) -> int:
    """Return the core of highest capacity (big.LITTLE); among equals the last, since interrupts prefer the first."""
    return max(cores, key=lambda core: (_capacity(core), core))


def _capacity(core: int) -> int:
    """Return the kernel's figure for the speed of a core relative to the others; 0 where all are alike."""
    path = Path(f"/sys/devices/system/cpu/cpu{core}/cpu_capacity")
    return int(path.read_text()) if path.exists() else 0
