"""The machine: what it is."""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

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


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Environment(_Stored):
    """What a run was measured on: enough to tell whether two runs compare, and to rerun one."""

    cpu: str
    architecture: str
    cores_given: int = Field(ge=1, description="cores that this process may use")
    cores_total: int = Field(ge=1)
    caches: dict[str, int] = Field(description="bytes of one instance, of the largest core; L1d, L2, L3")
    isa: list[str] = Field(description="instruction-set extensions that bear on speed")
    governor: str | None = Field(description="of the cores given; None where the kernel has no say")
    memory_bytes: int
    kernel: str
    python: str
    gpu: str | None
    libraries: dict[str, str] = Field(description="version by distribution, of those installed")
    variables: dict[str, str] = Field(description="set by the user, and changing threads, ISA or allocation")
    commit: str | None = Field(description="of the checkout that bench lies in; None where it lies in none")
    dirty: bool | None = Field(description="whether that checkout differs from its commit")
    virtualised: bool | None = Field(description="None where the processor does not tell")

    @property
    def machine_id(self) -> str:
        """12 hexadecimal digits that stand for the hardware alone."""
        return _digest(self._hardware())

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits, equal where times compare: same hardware, cores given, Python and libraries."""
        software: list[object] = [self.cores_given, self.python.split(".")[:2], self.libraries]
        software += [self.gpu] if self.gpu else []
        return _digest([*self._hardware(), *software])

    def _hardware(self) -> list[object]:
        memory_gib = round(self.memory_bytes / 2**30)  # Kernels keep varying amounts for themselves.
        return [self.cpu, self.architecture, self.cores_total, self.caches, self.isa, memory_gib]


def environment(libraries: Iterable[str]) -> Environment:
    """This machine and process. ``libraries`` are the distributions whose versions bear on the measurement."""
    cpuinfo = _cpuinfo()
    flags = set(cpuinfo.get("flags", cpuinfo.get("Features", "")).split())
    given = sorted(os.sched_getaffinity(0))
    commit, dirty = _checkout()
    return Environment(
        cpu=cpuinfo.get("model name") or _arm_model(cpuinfo) or platform.processor() or "unknown",
        architecture=platform.machine(),
        cores_given=len(given),
        cores_total=os.cpu_count() or len(given),
        caches=_caches(),
        isa=[name for name in _ISA if name in flags],
        governor=_governor(given),
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
    """The file's text, empty where there is no such file or it cannot be read."""
    try:
        return path.read_text(errors="replace").strip().strip("\0")
    except OSError:
        return ""


def _cpuinfo() -> dict[str, str]:
    """The first processor's entries."""
    entries: dict[str, str] = {}
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            entries.setdefault(name.strip(), value.strip())
    return entries


def _arm_model(cpuinfo: dict[str, str]) -> str:
    """Boards name themselves in the device tree; servers give numbers only."""
    numbers = [f"{name} {cpuinfo[name]}" for name in ("CPU implementer", "CPU part") if name in cpuinfo]
    return _text(Path("/proc/device-tree/model")) or ", ".join(numbers)


def _caches() -> dict[str, int]:
    found: dict[str, int] = {}
    for index in _CPUS.glob("cpu[0-9]*/cache/index*"):
        level, kind, size = (_text(index / name) for name in ("level", "type", "size"))
        digits, unit = size.rstrip("KMG"), size.lstrip("0123456789")
        if kind in ("Data", "Unified") and digits.isdigit():
            name = f"L{level}" + ("d" if kind == "Data" else "")
            found[name] = max(found.get(name, 0), int(digits) << {"K": 10, "M": 20, "G": 30}.get(unit, 0))
    return dict(sorted(found.items()))


def _governor(cores: Iterable[int]) -> str | None:
    found = {_text(_CPUS / f"cpu{core}/cpufreq/scaling_governor") for core in cores} - {""}
    return ", ".join(sorted(found)) or None


def _gpu() -> str | None:
    """The NVIDIA GPUs and their driver, as the driver says; None without a driver."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = [line.rpartition(",") for line in done.stdout.splitlines()] if done.returncode == 0 else []
    names = ", ".join(name.strip() for name, _, _ in found)
    return f"{names} (driver {found[0][2].strip()})" if found else None


def _versions(distributions: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in sorted(set(distributions)):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _checkout() -> tuple[str | None, bool | None]:
    """Commit and dirtiness, where bench lies at the top of a checkout, not just somewhere inside one."""
    where = _git("rev-parse", "--show-toplevel", "HEAD")
    if where is None or len(lines := where.splitlines()) != 2 or Path(lines[0]).resolve() != _ROOT:
        return None, None
    status = _git("status", "--porcelain")
    return lines[1], None if status is None else bool(status)


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(_ROOT), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
