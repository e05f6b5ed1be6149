from pathlib import Path

import pytest

from bench import machine
from bench.machine import Environment

ENVIRONMENT = Environment(
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
def test_a_fingerprint_ignores_what_does_not_affect_speed(change: dict[str, object]) -> None:
    changed = ENVIRONMENT.model_copy(update=change)
    assert (changed.fingerprint, changed.machine_id) == (ENVIRONMENT.fingerprint, ENVIRONMENT.machine_id)


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
    changed = ENVIRONMENT.model_copy(update=change)
    assert changed.machine_id != ENVIRONMENT.machine_id
    assert changed.fingerprint != ENVIRONMENT.fingerprint


@pytest.mark.parametrize("change", [{"cores_given": 1}, {"python": "3.12.1"}, {"libraries": {"torch": "2.12.0"}}])
def test_other_software_is_the_same_machine_with_another_fingerprint(change: dict[str, object]) -> None:
    changed = ENVIRONMENT.model_copy(update=change)
    assert changed.machine_id == ENVIRONMENT.machine_id
    assert changed.fingerprint != ENVIRONMENT.fingerprint


def test_an_environment_survives_storing() -> None:
    environment = machine.environment(["pydantic"])
    assert Environment.model_validate_json(environment.model_dump_json()).fingerprint == environment.fingerprint
    assert environment.fingerprint == machine.environment(["pydantic"]).fingerprint


def test_an_environment_holds_installed_libraries_and_the_users_thread_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_PROC_BIND", "close")
    environment = machine.environment(["pydantic", "no-such-distribution"])
    assert list(environment.libraries) == ["pydantic"]
    assert environment.variables["OMP_PROC_BIND"] == "close"
    assert 1 <= environment.cores_given <= environment.cores_total


def test_a_machine_without_sysfs_or_cpuinfo_has_an_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_CPUS", tmp_path)
    monkeypatch.setattr(machine, "_ROOT", tmp_path)
    monkeypatch.setattr(machine, "_cpuinfo", dict)
    bare = machine.environment([])
    assert (bare.caches, bare.isa, bare.governor, bare.commit, bare.dirty) == ({}, [], None, None, None)


def test_caches_are_those_of_the_largest_core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for core, kind, level, size in [(0, "Data", 1, "32K"), (1, "Data", 1, "64K"), (0, "Unified", 3, "8M")]:
        index = tmp_path / f"cpu{core}/cache/index{level}"
        index.mkdir(parents=True)
        for name, text in {"type": kind, "level": level, "size": size}.items():
            (index / name).write_text(f"{text}\n")
    monkeypatch.setattr(machine, "_CPUS", tmp_path)
    assert machine.environment([]).caches == {"L1d": 65536, "L3": 8 * 2**20}
