"""Reads from the driver whether a GPU throttles its clock while it works, and which other processes use it."""

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from bench.core.record import NO_OTHER_PROCESSES, OTHER_PROCESSES

THROTTLE_REASONS = (
    "SwPowerCap",
    "HwSlowdown",
    "SyncBoost",
    "SwThermalSlowdown",
    "HwThermalSlowdown",
    "HwPowerBrakeSlowdown",
)
"""The driver's reasons for a clock below its highest, except idleness and the user's settings."""


class Driver(Protocol):
    """What the driver reports about one GPU. Each method may raise OSError where the driver does not report it."""

    def reasons(self) -> set[str]:
        """Return why its clock is not at its highest, by the driver's own names."""

    def clock_mhz(self) -> int:
        """Return the clock of its multiprocessors now."""

    def processes(self) -> list[int]:
        """Return the ids of the processes that compute on it."""


class Watch:
    """Looks at a GPU while it works."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._reset()

    def look(self) -> bool | None:
        """Whether its clock is throttled now; None where the driver does not report it."""
        try:
            reasons = self._driver.reasons() & set(THROTTLE_REASONS)
            self._clocks.append(self._driver.clock_mhz())
        except OSError as error:
            self._clock_error = str(error)
            return None
        self._reasons |= reasons
        return bool(reasons)

    def look_for_others(self) -> None:
        """Look for processes that compute on it besides this run's workers, which are children of one parent."""
        try:
            processes = self._driver.processes()
        except OSError as error:
            self._process_error = str(error)
            return
        if os.getpid() not in processes:
            self._process_error = "the driver does not list this one under its own id"
        else:
            self._others |= {process for process in processes if not _is_sibling(process)}

    def facts(self) -> dict[str, str]:
        """Return facts from all looks since the previous call."""
        facts = {}
        if self._clocks:
            clocks = self._clocks
            gaps = f", but not always told ({self._clock_error})" if self._clock_error else ""
            facts["GPU clock"] = f"{median(clocks):.0f} MHz, {min(clocks)} to {max(clocks)}{gaps}"
        elif self._clock_error:
            facts["GPU clock"] = f"cannot tell ({self._clock_error})"
        if self._reasons:
            facts["GPU clock throttled by"] = ", ".join(sorted(self._reasons))
        if self._others:
            facts[OTHER_PROCESSES] = f"{len(self._others)} ({', '.join(map(str, sorted(self._others)))})"
        else:
            facts[OTHER_PROCESSES] = (
                f"cannot tell ({self._process_error})" if self._process_error else NO_OTHER_PROCESSES
            )
        self._reset()
        return facts

    def _reset(self) -> None:
        self._clocks: list[int] = []
        self._reasons: set[str] = set()
        self._others: set[int] = set()
        self._clock_error = self._process_error = ""


def _is_sibling(process: int) -> bool:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]) == os.getppid()
    return False


class Nvml:
    """Reads the driver through NVIDIA's management library."""

    def __init__(self, uuid: str) -> None:
        self._uuid = uuid
        self._library_and_device: tuple[Any, Any] | None = None

    def reasons(self) -> set[str]:
        nvml, device = self._open()
        reasons = _call(nvml, nvml.nvmlDeviceGetCurrentClocksEventReasons, device)
        return {name for name in THROTTLE_REASONS if reasons & getattr(nvml, f"nvmlClocksEventReason{name}")}

    def clock_mhz(self) -> int:
        nvml, device = self._open()
        return int(_call(nvml, nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_SM))

    def processes(self) -> list[int]:
        nvml, device = self._open()
        return [int(process.pid) for process in _call(nvml, nvml.nvmlDeviceGetComputeRunningProcesses, device)]

    def _open(self) -> tuple[Any, Any]:
        """Return the library and its handle of the device."""
        if self._library_and_device is None:
            try:
                nvml = importlib.import_module("pynvml")
            except ImportError:
                raise OSError("needs nvidia-ml-py: pip install nvidia-ml-py") from None
            _call(nvml, nvml.nvmlInit)
            self._library_and_device = nvml, _call(nvml, nvml.nvmlDeviceGetHandleByUUID, self._uuid)
        return self._library_and_device


def _call(nvml: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the library; raise OSError where it reports an error."""
    try:
        return function(*arguments)
    except nvml.NVMLError as error:
        raise OSError(str(error)) from None
