"""What the driver tells of a GPU while it works: whether it holds its clock down, and who else is there."""

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from bench.core.record import NO_OTHERS, OTHERS

HELD_DOWN = (
    "SwPowerCap",
    "HwSlowdown",
    "SyncBoost",
    "SwThermalSlowdown",
    "HwThermalSlowdown",
    "HwPowerBrakeSlowdown",
)
"""Of the driver's reasons for a clock below its highest, those that are not idleness or somebody's wish."""


class Driver(Protocol):
    """What is asked of the driver about one GPU; anything may raise OSError where it does not tell."""

    def reasons(self) -> set[str]:
        """Why its clock is not at its highest, by the driver's own names."""

    def clock_mhz(self) -> int:
        """Of its multiprocessors, now."""

    def processes(self) -> list[int]:
        """Ids of the processes that compute on it."""


class Watch:
    """Looks at a GPU while it works."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._forget()

    def look(self) -> bool | None:
        """Whether its clock is held down just now; None where the driver does not tell."""
        try:
            reasons = self._driver.reasons() & set(HELD_DOWN)
            self._clocks.append(self._driver.clock_mhz())
        except OSError as error:
            self._silence = str(error)
            return None
        self._reasons |= reasons
        return bool(reasons)

    def look_for_others(self) -> None:
        """For processes that compute on it besides this run's workers, which are children of one parent."""
        try:
            there = self._driver.processes()
        except OSError as error:
            self._blind = str(error)
            return
        if os.getpid() not in there:
            self._blind = "the driver does not list this one under its own id"
        else:
            self._others |= {process for process in there if not _sibling(process)}

    def facts(self) -> dict[str, str]:
        """Of all looks since the last facts."""
        found = {}
        if self._clocks:
            clocks = self._clocks
            seen = f", but not always told ({self._silence})" if self._silence else ""
            found["GPU clock"] = f"{median(clocks):.0f} MHz, {min(clocks)} to {max(clocks)}{seen}"
        elif self._silence:
            found["GPU clock"] = f"cannot tell ({self._silence})"
        if self._reasons:
            found["GPU clock held down by"] = ", ".join(sorted(self._reasons))
        if self._others:
            found[OTHERS] = f"{len(self._others)} ({', '.join(map(str, sorted(self._others)))})"
        else:
            found[OTHERS] = f"cannot tell ({self._blind})" if self._blind else NO_OTHERS
        self._forget()
        return found

    def _forget(self) -> None:
        self._clocks: list[int] = []
        self._reasons: set[str] = set()
        self._others: set[int] = set()
        self._silence = self._blind = ""


def _sibling(process: int) -> bool:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]) == os.getppid()
    return False


class Nvml:
    """The driver, by NVIDIA's management library."""

    def __init__(self, uuid: str) -> None:
        self._uuid = uuid
        self._opened: tuple[Any, Any] | None = None

    def reasons(self) -> set[str]:
        nvml, device = self._open()
        found = _told(nvml, nvml.nvmlDeviceGetCurrentClocksEventReasons, device)
        return {name for name in HELD_DOWN if found & getattr(nvml, f"nvmlClocksEventReason{name}")}

    def clock_mhz(self) -> int:
        nvml, device = self._open()
        return int(_told(nvml, nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_SM))

    def processes(self) -> list[int]:
        nvml, device = self._open()
        return [int(process.pid) for process in _told(nvml, nvml.nvmlDeviceGetComputeRunningProcesses, device)]

    def _open(self) -> tuple[Any, Any]:
        """The library, and its handle of the device."""
        if self._opened is None:
            try:
                nvml = importlib.import_module("pynvml")
            except ImportError:
                raise OSError("needs nvidia-ml-py: pip install nvidia-ml-py") from None
            _told(nvml, nvml.nvmlInit)
            self._opened = nvml, _told(nvml, nvml.nvmlDeviceGetHandleByUUID, self._uuid)
        return self._opened


def _told(nvml: Any, ask: Callable[..., Any], *arguments: Any) -> Any:
    """The answer; OSError where the library has none."""
    try:
        return ask(*arguments)
    except nvml.NVMLError as error:
        raise OSError(str(error)) from None
