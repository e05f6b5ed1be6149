"""Facts from the driver, and what they say if the driver reports nothing."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bench.core.record import NO_OTHER_PROCESSES, OTHER_PROCESSES
from bench.measure.gpu.watch import THROTTLE_REASONS, Nvml, Watch


class Driver:
    """A driver that reports the given values; an OSError among them is raised."""

    def __init__(self, reasons=(), clocks=(1980,), processes=()):
        self._reasons, self._clocks, self._processes = iter(reasons), iter(clocks), processes

    def reasons(self):
        return next(self._reasons)

    def clock_mhz(self):
        return next(self._clocks)

    def processes(self):
        if isinstance(self._processes, OSError):
            raise self._processes
        return list(self._processes)


class Silent(Driver):
    def reasons(self):
        raise OSError("Not Supported")


def test_a_throttled_clock_is_distinguished_from_an_idle_one():
    watch = Watch(Driver([{"GpuIdle"}, {"SwPowerCap", "GpuIdle"}, set()], [1980, 1200, 1900], [os.getpid()]))
    assert [watch.look() for _ in range(3)] == [False, True, False]
    watch.look_for_others()
    assert watch.facts() == {
        "GPU clock": "1900 MHz, 1200 to 1980",
        "GPU clock throttled by": "SwPowerCap",
        "other processes on the GPU": "none",
    }
    assert "GPU clock throttled by" not in watch.facts(), "facts are of the case, not of those before it"


def test_a_driver_that_reports_nothing():
    watch = Watch(Silent(processes=OSError("Insufficient Permissions")))
    assert watch.look() is None
    watch.look_for_others()
    assert watch.facts() == {
        "GPU clock": "cannot tell (Not Supported)",
        "other processes on the GPU": "cannot tell (Insufficient Permissions)",
    }


def test_other_processes_are_those_that_are_no_workers_of_this_run():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        # A sibling has the same parent; this process's own child and init have others.
        driver = Driver(processes=[os.getpid(), child.pid])
        watch = Watch(driver)
        watch.look_for_others()
        driver._processes = [os.getpid(), 1]
        watch.look_for_others()
        others = watch.facts()[OTHER_PROCESSES]
        assert others == f"2 (1, {child.pid})", "all that were ever there"
        assert watch.facts()[OTHER_PROCESSES] == NO_OTHER_PROCESSES
        from_child = (
            "import os, sys; from types import SimpleNamespace; from bench.measure.gpu.watch import Watch;"
            "watch = Watch(SimpleNamespace(processes=lambda: [os.getpid(), int(sys.argv[1])]));"
            "watch.look_for_others(); print(*watch.facts().values())"
        )
        completed = subprocess.run([sys.executable, "-c", from_child, str(child.pid)], capture_output=True, text=True)
        assert completed.stdout.strip() == "none", completed.stderr
        child.communicate(b"\n")


def test_with_ids_of_another_namespace_other_processes_are_unknown():
    watch = Watch(Driver(processes=[4194304]))
    watch.look_for_others()
    assert watch.facts()[OTHER_PROCESSES].startswith("cannot tell")


class TestNvml:
    @pytest.fixture
    def library(self, monkeypatch):
        """Stands for NVIDIA's library: bit 2 means a power cap, bit 0 an idle GPU."""

        class NVMLError(Exception):
            pass

        bits = {name: 1 << bit for bit, name in enumerate(THROTTLE_REASONS, 4)}
        bits["SwPowerCap"] = 4
        simulated = SimpleNamespace(
            NVMLError=NVMLError,
            NVML_CLOCK_SM=1,
            nvmlInit=lambda: None,
            nvmlDeviceGetHandleByUUID=lambda uuid: f"handle of {uuid}",
            nvmlDeviceGetCurrentClocksEventReasons=lambda device: 5,
            nvmlDeviceGetClockInfo=lambda device, clock: {("handle of GPU-1", 1): 1755}[device, clock],
            nvmlDeviceGetComputeRunningProcesses=lambda device: [SimpleNamespace(pid=7)],
            **{f"nvmlClocksEventReason{name}": bit for name, bit in bits.items()},
        )
        monkeypatch.setitem(sys.modules, "pynvml", simulated)
        return simulated

    def test_reasons_clock_and_processes_are_read(self, library):
        driver = Nvml("GPU-1")
        assert (driver.reasons(), driver.clock_mhz(), driver.processes()) == ({"SwPowerCap"}, 1755, [7])

    def test_errors_of_the_library_leave_no_value(self, library):
        def refuse(*_):
            raise library.NVMLError("No permission")

        library.nvmlDeviceGetClockInfo = refuse
        assert Watch(Nvml("GPU-1")).look() is None
        library.nvmlInit = refuse
        with pytest.raises(OSError, match="No permission"):
            Nvml("GPU-1").processes()

    def test_without_the_library_the_error_names_the_package_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pynvml", None)
        with pytest.raises(OSError, match="pip install nvidia-ml-py"):
            Nvml("GPU-1").reasons()

    def test_the_real_library_has_all_functions_that_are_used(self):
        pynvml = pytest.importorskip("pynvml")
        assert all(hasattr(pynvml, f"nvmlClocksEventReason{name}") for name in THROTTLE_REASONS)
        for name in ("GetCurrentClocksEventReasons", "GetClockInfo", "GetComputeRunningProcesses", "GetHandleByUUID"):
            assert callable(getattr(pynvml, f"nvmlDevice{name}"))
