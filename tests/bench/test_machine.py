import importlib
import os
import sys
from pathlib import Path

import pytest

from bench import machine
from bench.core.record import Work
from bench.machine import Bandwidth, Environment, Limits, LimitsUnavailable, Peak

HERE = Environment(
    cpu="A processor",
    architecture="x86_64",
    cores_given=2,
    cores_total=4,
    caches={"L1d": 32768, "L2": 1048576},
    isa=["avx2", "fma"],
    governor="performance",
    memory_bytes=16 * 2**30,
    kernel="6.1",
    python="3.11.7",
    gpu=None,
    libraries={"torch": "2.13.0"},
    variables={},
    commit="0" * 40,
    dirty=False,
    virtualised=False,
)

# One thread reaches 100 GFLOP/s; its bandwidth falls tenfold from 1 kB to 100 kB.
LIMITS = Limits(
    peaks=[Peak(isa="avx512", threads=1, gflops=100), Peak(isa="avx2", threads=1, gflops=50)],
    bandwidths=[
        Bandwidth(working_set_bytes=100_000, threads=1, bytes_per_second=1e9),
        Bandwidth(working_set_bytes=1_000, threads=1, bytes_per_second=10e9),
    ],
)


def work(macs: int, least_bytes: int) -> Work:
    return Work(macs=macs, least_bytes=least_bytes, parameters=0)


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "1" * 40},
        {"dirty": True},
        {"kernel": "6.2"},
        {"python": "3.11.9"},
        {"governor": None},
        {"memory_bytes": 16 * 2**30 - 2**20},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_fingerprint_outlives_what_does_not_bear_on_speed(change: dict[str, object]) -> None:
    changed = HERE.model_copy(update=change)
    assert (changed.fingerprint, changed.machine_id) == (HERE.fingerprint, HERE.machine_id)


@pytest.mark.parametrize(
    "change",
    [
        {"cpu": "Another processor"},
        {"cores_total": 8},
        {"caches": {"L1d": 49152, "L2": 1048576}},
        {"isa": ["avx2", "fma", "avx512f"]},
        {"memory_bytes": 32 * 2**30},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_hardware_is_another_machine(change: dict[str, object]) -> None:
    changed = HERE.model_copy(update=change)
    assert changed.machine_id != HERE.machine_id
    assert changed.fingerprint != HERE.fingerprint


@pytest.mark.parametrize("change", [{"cores_given": 1}, {"python": "3.12.1"}, {"libraries": {"torch": "2.12.0"}}])
def test_other_software_is_the_same_machine_with_another_fingerprint(change: dict[str, object]) -> None:
    changed = HERE.model_copy(update=change)
    assert changed.machine_id == HERE.machine_id
    assert changed.fingerprint != HERE.fingerprint


def test_an_environment_survives_storing() -> None:
    here = machine.environment(["pydantic"])
    assert Environment.model_validate_json(here.model_dump_json()).fingerprint == here.fingerprint
    assert here.fingerprint == machine.environment(["pydantic"]).fingerprint


def test_an_environment_holds_installed_libraries_and_the_users_thread_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_PROC_BIND", "close")
    here = machine.environment(["pydantic", "no-such-distribution"])
    assert list(here.libraries) == ["pydantic"]
    assert here.variables["OMP_PROC_BIND"] == "close"
    assert 1 <= here.cores_given <= here.cores_total


def test_a_bare_machine_has_an_environment_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_CPUS", tmp_path)
    monkeypatch.setattr(machine, "_ROOT", tmp_path)
    monkeypatch.setattr(machine, "_cpuinfo", dict)
    here = machine.environment([])
    assert (here.caches, here.isa, here.governor, here.commit, here.dirty) == ({}, [], None, None, None)


def test_caches_are_those_of_the_largest_core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for core, kind, level, size in [(0, "Data", 1, "32K"), (1, "Data", 1, "64K"), (0, "Unified", 3, "8M")]:
        index = tmp_path / f"cpu{core}/cache/index{level}"
        index.mkdir(parents=True)
        for name, text in {"type": kind, "level": level, "size": size}.items():
            (index / name).write_text(f"{text}\n")
    monkeypatch.setattr(machine, "_CPUS", tmp_path)
    assert machine.environment([]).caches == {"L1d": 65536, "L3": 8 * 2**20}


@pytest.mark.parametrize(
    ("macs", "least_bytes", "isa", "gflops"),
    [
        (10**9, 1_000, None, 100),  # bound by the best peak
        (10**9, 1_000, "avx2", 50),  # bound by the peak of what the target allows
        (500, 1_000, None, 10),  # 1 FLOP/byte x 10 GB/s
        (50, 100, None, 10),  # smaller than any measured: the smallest counts
        (10**6, 10**6, None, 2),  # larger than any measured: 2 FLOP/byte x 1 GB/s
        (5_000, 10_000, None, 10**0.5),  # halfway in the logarithms: sqrt(10 x 1) GB/s
        (1, 0, None, 100),
        (0, 1_000, None, 0),
    ],
)
def test_the_roofline(macs: int, least_bytes: int, isa: str | None, gflops: float) -> None:
    assert LIMITS.attainable_gflops(work(macs, least_bytes), 1, isa) == pytest.approx(gflops)


@pytest.mark.parametrize(("threads", "isa"), [(1, "avx1024"), (7, None)])
def test_what_was_not_measured_is_refused(threads: int, isa: str | None) -> None:
    with pytest.raises(ValueError, match=r"no limit measured .* only for avx512 with 1 thread"):
        LIMITS.attainable_gflops(work(1, 1), threads, isa)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """Stands in for the measurement; grows by one with each."""
    taken: list[Limits] = []

    def measure(quick: bool) -> Limits:
        threads = sorted({1, len(os.sched_getaffinity(0))})
        found = LIMITS.model_copy(update={"peaks": [Peak(isa="avx2", threads=n, gflops=50) for n in threads]})
        taken.append(found)
        return found

    monkeypatch.setattr(machine, "measure_limits", measure)
    return taken


def test_limits_are_measured_once(tmp_path: Path, measured: list[Limits]) -> None:
    first = machine.limits(tmp_path / "machines")
    assert machine.limits(tmp_path / "machines") == first
    assert len(measured) == 1
    machine.limits(tmp_path / "machines", thorough=True)
    assert len(measured) == 2
    assert [path.name for path in tmp_path.glob("machines/*")] == [f"{machine.environment([]).machine_id}.json"]


@pytest.mark.parametrize("text", ["", '{"peaks": [', '{"some": "thing"}', '{"peaks": [], "bandwidths": []}', "\x80"])
def test_a_useless_file_of_limits_is_replaced(tmp_path: Path, measured: list[Limits], text: str) -> None:
    path = tmp_path / f"{machine.environment([]).machine_id}.json"
    path.write_text(text, encoding="latin-1")
    assert machine.limits(tmp_path) == measured[0]
    assert Limits.model_validate_json(path.read_bytes()) == measured[0]


def test_without_the_native_part_there_are_no_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bench._limits", None)
    with pytest.raises(LimitsUnavailable, match=r"pip install \."):
        machine.measure_limits()
    assert machine.limits(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


class TestNative:
    @pytest.fixture
    def native(self) -> object:
        return pytest.importorskip("bench._limits", reason="the native part is not built: pip install .")

    def test_every_limit_is_measured_and_the_affinity_stays(self, native: object) -> None:
        before = os.sched_getaffinity(0)
        limits = machine.measure_limits()
        assert os.sched_getaffinity(0) == before
        assert {peak.threads for peak in limits.peaks} == {1, len(before)}
        assert {flow.working_set_bytes for flow in limits.bandwidths} == set(machine.WORKING_SETS)

    @pytest.mark.parametrize(("isa", "threads", "seconds"), [("mmx", 1, 0.01), ("scalar", 0, 0.01), ("scalar", 1, 0)])
    def test_nonsense_is_refused(self, native: object, isa: str, threads: int, seconds: float) -> None:
        with pytest.raises(ValueError, match=r"no mmx|at least 1|above 0"):
            importlib.import_module("bench._limits").fma_gflops(isa, threads, seconds)
