from pathlib import Path

import pytest

from bench import machine
from bench.machine import Environment

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
