"""The machine: what it is, and what its hardware can do at best."""

import hashlib
import importlib
import importlib.metadata
import itertools
import json
import math
import os
import platform
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.core.files import write_whole
from bench.core.record import Work
from bench.core.target import Target

WORKING_SETS = tuple(2**power for power in (15, 18, 21, 24, 28))
"""Bytes copied over, from what fits a level-1 cache to what fits none."""

_PASSES = 2
"""Each limit is measured in separate passes, the best counting, so that one disturbance does not spoil it."""
_SECONDS, _SECONDS_QUICK = 0.2, 0.02

_CPUS = Path("/sys/devices/system/cpu")
_ROOT = Path(__file__).resolve().parents[1]
_VARIABLES = ("OMP_", "MKL_", "OPENBLAS_", "ONEDNN_", "ATEN_", "KMP_", "GOMP_", "MALLOC_")
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


class LimitsUnavailable(Exception):
    """The native part that measures limits is not built; the message says how to build it."""


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
        software = [self.cores_given, self.python.split(".")[:2], self.libraries]
        return _digest([*self._hardware(), *software])

    def _hardware(self) -> list[object]:
        memory_gib = round(self.memory_bytes / 2**30)  # Kernels keep varying amounts for themselves.
        return [self.cpu, self.architecture, self.cores_total, self.caches, self.isa, memory_gib]


class Peak(_Stored):
    """fp32 multiply-adds in registers, of all threads together. FLOP = 2 x MAC."""

    isa: str
    threads: int = Field(ge=1)
    gflops: float = Field(gt=0)


class Bandwidth(_Stored):
    """Copying, of all threads together: bytes read plus bytes written."""

    working_set_bytes: int = Field(gt=0, description="source plus destination")
    threads: int = Field(ge=1)
    bytes_per_second: float = Field(gt=0)


class Limits(_Stored):
    """What the hardware can do: the fastest short slice of each measurement."""

    peaks: list[Peak] = Field(description="best instruction set first")
    bandwidths: list[Bandwidth]

    def attainable_gflops(self, work: Work, threads: int, isa: str | None = None) -> float:
        """The roofline: the lesser of the peak, and FLOP a byte times bandwidth, in GFLOP/s.

        The bandwidth is that of a copy whose working set has the size of the work's ``least_bytes``, since a small
        problem called again and again lives in a cache: measured sizes are interpolated, linearly in the logarithms of
        both size and bandwidth, and beyond them the nearest counts. A copy writes a byte for each one that it reads; an
        operator that mostly reads can exceed this limit where bandwidth is what binds it.

        ``isa`` None means the best. Raises ValueError for an instruction set or a number of threads not measured.
        """
        peaks = [peak.gflops for peak in self.peaks if peak.threads == threads and isa in (None, peak.isa)]
        flows = sorted((b.working_set_bytes, b.bytes_per_second) for b in self.bandwidths if b.threads == threads)
        if not peaks or not flows:
            known = ", ".join(f"{peak.isa} with {peak.threads} thread(s)" for peak in self.peaks)
            raise ValueError(f"no limit measured for {isa or 'any ISA'} with {threads} thread(s), only for {known}")
        peak = max(peaks) * 4 / work.itemsize  # Vectors hold half as many numbers of twice the size.
        if work.least_bytes == 0:
            return peak
        return min(peak, 2 * work.macs / work.least_bytes * _interpolated(flows, work.least_bytes) / 1e9)


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


def measure_limits(quick: bool = True) -> Limits:
    """Measure with one thread, on the core of target ``edge``, and with all cores given.

    Takes about 1.5 s, or 10 s where not ``quick``. Raises LimitsUnavailable where the native part is not built.
    """
    try:
        native = importlib.import_module("bench._limits")
    except ImportError as error:
        raise LimitsUnavailable(
            f"limits cannot be measured ({error}); to build what measures them: pip install ."
        ) from None
    seconds = _SECONDS_QUICK if quick else _SECONDS
    peaks: dict[tuple[str, int], float] = {}
    flows: dict[tuple[int, int], float] = {}
    for _ in range(_PASSES):
        for cores in _core_sets():
            threads = len(cores)
            # Affinity belongs to a thread: this one's ends with it, and the caller's stays as it was.
            with ThreadPoolExecutor(1, initializer=os.sched_setaffinity, initargs=(0, cores)) as pinned:
                for isa in native.isas():
                    found = pinned.submit(native.fma_gflops, isa, threads, seconds).result()
                    peaks[isa, threads] = max(found, peaks.get((isa, threads), 0))
                for size in WORKING_SETS:
                    found = pinned.submit(native.copy_bytes_per_second, size, threads, seconds).result()
                    flows[size, threads] = max(found, flows.get((size, threads), 0))
    return Limits(
        peaks=[Peak(isa=isa, threads=threads, gflops=best) for (isa, threads), best in peaks.items()],
        bandwidths=[
            Bandwidth(working_set_bytes=size, threads=threads, bytes_per_second=best)
            for (size, threads), best in flows.items()
        ],
    )


def limits(folder: Path, thorough: bool = False) -> Limits | None:
    """This machine's limits, measured once and kept as ``folder/<machine_id>.json``.

    A file that cannot be read, or that lacks the number of cores now given, is measured anew; so is any where
    ``thorough``, which takes longer. None where the native part is not built.
    """
    path = folder / f"{environment(()).machine_id}.json"
    if not thorough and (kept := _kept(path)):
        return kept
    try:
        measured = measure_limits(quick=not thorough)
    except LimitsUnavailable:
        return None
    write_whole(path, measured.model_dump_json(indent=1))
    return measured


def _kept(path: Path) -> Limits | None:
    try:
        kept = Limits.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return kept if {len(cores) for cores in _core_sets()} <= {peak.threads for peak in kept.peaks} else None


def _core_sets() -> list[tuple[int, ...]]:
    one, every = Target("edge").cores, Target("cpu").cores
    return [one] if len(every) == 1 else [one, every]


def _interpolated(points: list[tuple[int, float]], x: int) -> float:
    """The y at x between the points, sorted by x, linear in both logarithms; the end's y beyond them."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x <= x1:
            return float(y0 * (y1 / y0) ** (math.log(x / x0) / math.log(x1 / x0)))
    return points[-1][1]


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
    lines = [
        line
        for information in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for line in _text(information).splitlines()
    ]
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return f"{', '.join(models)} (driver {_text(Path('/sys/module/nvidia/version'))})" if models else None


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
