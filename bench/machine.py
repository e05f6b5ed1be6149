"""The machine and the process that a measurement runs on."""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from bench.core.record import Stored

_CPUS = Path("/sys/devices/system/cpu")
_ROOT = Path(__file__).resolve().parents[1]
_VARIABLES = (
    *("OMP_", "MKL_", "OPENBLAS_", "ONEDNN_", "ATEN_", "KMP_", "GOMP_", "MALLOC_"),
    *("CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_TF32_OVERRIDE", "PYTORCH_"),
)
_ISA = (
    "sse4_2",
    "avx",
    "f16c",
    "fma",
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "neon",
    "asimd",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
    "sme",
)


class Environment(Stored):
    """The machine and software of a run: enough to tell whether two runs can be compared, and to repeat one."""

    cpu: str
    architecture: str
    cores_given: int = Field(ge=1, description="cores that this process may use")
    cores_total: int = Field(ge=1)
    caches: dict[str, int] = Field(description="bytes of one instance of L1d, L2 and L3, the largest among cores")
    isa: list[str] = Field(description="instruction-set extensions that bear on speed")
    governor: str | None = Field(description="frequency governor of the cores given; None where the kernel has none")
    memory_bytes: int
    kernel: str
    python: str
    gpu: str | None
    libraries: dict[str, str] = Field(description="versions of the installed distributions")
    variables: dict[str, str] = Field(description="those that change threads, ISA or allocation, as set by the user")
    commit: str | None = Field(description="commit of bench's checkout; None outside a checkout")
    dirty: bool | None = Field(description="whether that checkout differs from the commit")
    virtualised: bool | None = Field(description="None where the processor does not tell")

    @property
    def machine_id(self) -> str:
        """Identifier of the hardware alone, 12 hexadecimal digits."""
        return _digest(self._hardware())

    @property
    def fingerprint(self) -> str:
        """Identifier of hardware, cores given, Python and libraries; times can be compared where it is equal."""
        software: list[object] = [self.cores_given, self.python.split(".")[:2], self.libraries]
        software += [self.gpu] if self.gpu else []
        return _digest([*self._hardware(), *software])

    def _hardware(self) -> list[object]:
        memory_gib = round(self.memory_bytes / 2**30)  # Kernels reserve varying amounts for themselves.
        return [self.cpu, self.architecture, self.cores_total, self.caches, self.isa, memory_gib]


def environment(libraries: Iterable[str]) -> Environment:
    """Describe this machine and process; ``libraries`` are the distributions whose versions affect the measurement."""
    cpuinfo = _cpuinfo()
    flags = set(cpuinfo.get("flags", cpuinfo.get("Features", "")).split())
    cores = sorted(os.sched_getaffinity(0))
    commit, dirty = _checkout()
    return Environment(
        cpu=cpuinfo.get("model name") or _arm_model(cpuinfo) or platform.processor() or "unknown",
        architecture=platform.machine(),
        cores_given=len(cores),
        cores_total=os.cpu_count() or len(cores),
        caches=_caches(),
        isa=[name for name in _ISA if name in flags],
        governor=_governor(cores),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
        python=platform.python_version(),
        gpu=_gpu(),
        libraries=_versions(libraries),
        variables={name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)},
        commit=commit,
        dirty=dirty,
        virtualised="hypervisor" in flags if "flags" in cpuinfo else None,
    )


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def _text(path: Path) -> str:
    """Return the file's text; empty where there is no such file or it cannot be read."""
    try:
        return path.read_text(errors="replace").strip().strip("\0")
    except OSError:
        return ""


def _cpuinfo() -> dict[str, str]:
    """Return the first processor's entries of /proc/cpuinfo."""
    entries: dict[str, str] = {}
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            entries.setdefault(name.strip(), value.strip())
    return entries


def _arm_model(cpuinfo: dict[str, str]) -> str:
    """Return a board's name in the device tree, or a server's implementer and part numbers."""
    numbers = [f"{name} {cpuinfo[name]}" for name in ("CPU implementer", "CPU part") if name in cpuinfo]
    return _text(Path("/proc/device-tree/model")) or ", ".join(numbers)


def _caches() -> dict[str, int]:
    caches: dict[str, int] = {}
    for index in _CPUS.glob("cpu[0-9]*/cache/index*"):
        level, kind, size = (_text(index / name) for name in ("level", "type", "size"))
        digits, unit = size.rstrip("KMG"), size.lstrip("0123456789")
        if kind in ("Data", "Unified") and digits.isdigit():
            name = f"L{level}" + ("d" if kind == "Data" else "")
            caches[name] = max(caches.get(name, 0), int(digits) << {"K": 10, "M": 20, "G": 30}.get(unit, 0))
    return dict(sorted(caches.items()))


def _governor(cores: Iterable[int]) -> str | None:
    governors = {_text(_CPUS / f"cpu{core}/cpufreq/scaling_governor") for core in cores} - {""}
    return ", ".join(sorted(governors)) or None


def _gpu() -> str | None:
    """Return the NVIDIA GPUs and their driver version, as the driver reports them; None without a driver."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    gpus = [line.rpartition(",") for line in result.stdout.splitlines()] if result.returncode == 0 else []
    names = ", ".join(name.strip() for name, _, _ in gpus)
    return f"{names} (driver {gpus[0][2].strip()})" if gpus else None


def _versions(distributions: Iterable[str]) -> dict[str, str]:
    versions = {}
    for name in sorted(set(distributions)):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _checkout() -> tuple[str | None, bool | None]:
    """Return commit and dirtiness of a checkout that has bench at its top; Nones where bench lies elsewhere."""
    output = _git("rev-parse", "--show-toplevel", "HEAD")
    if output is None or len(lines := output.splitlines()) != 2 or Path(lines[0]).resolve() != _ROOT:
        return None, None
    status = _git("status", "--porcelain")
    return lines[1], None if status is None else bool(status)


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(_ROOT), "--no-optional-locks", *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None
