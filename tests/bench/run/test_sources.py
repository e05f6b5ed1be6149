"""The hashes change with every source file of the implementations."""

import importlib
from pathlib import Path

import pytest

from bench.core import registry
from bench.core.implementation_spec import ImplementationSpec
from bench.run import sources


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for ``impls``: it holds a thin wrapper and the files that do its work."""
    folder = tmp_path / "impls"
    for name in ("conv/thin.py", "conv/_passes.py", "conv/layer/module.py", "native/kernel.cpp", "conv/read.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("before")
    monkeypatch.setattr(importlib.import_module("impls"), "__path__", [str(folder)])
    monkeypatch.setattr(registry, "workloads", dict)  # It would look for them in this folder.
    return folder


def hashes(package: Path) -> dict[str, str]:
    return sources.hashes([ImplementationSpec("thin", "conv", str(package / "conv/thin.py"), "impls.conv.thin")])


@pytest.mark.parametrize("file", ["conv/thin.py", "conv/_passes.py", "conv/layer/module.py", "native/kernel.cpp"])
def test_every_source_of_the_package_changes_its_hash(package: Path, file: str) -> None:
    before = hashes(package)
    (package / file).write_text("after")
    assert set(before) == {"impls"}
    assert hashes(package) != before


@pytest.mark.parametrize(
    "file", ["native/added.hpp", "native/added.cu", "other/added.py", "conv/tuned.json", "native/CMakeLists.txt"]
)
def test_an_added_file_changes_the_hash(package: Path, file: str) -> None:
    before = hashes(package)
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_text("")
    assert hashes(package) != before


def test_a_renamed_file_changes_the_hash(package: Path) -> None:
    before = hashes(package)
    (package / "conv/thin.py").rename(package / "conv/thick.py")
    assert hashes(package) != before


def test_other_files_do_not_change_the_hash(package: Path) -> None:
    before = hashes(package)
    (package / "conv/read.md").write_text("after")
    assert hashes(package) == before


def test_a_plug_in_has_a_hash_of_its_own(package: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("before")
    specs = [ImplementationSpec("mine", "conv", str(file))]
    before = sources.hashes(specs)
    file.write_text("after")
    after = sources.hashes(specs)
    assert set(before) == {"impls", "conv/mine"}
    assert [name for name in before if before[name] != after[name]] == ["conv/mine"]


def test_a_workload_outside_the_package_has_a_hash_of_its_whole_folder(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "conv1d"
    folder.mkdir()
    for name in ("workload", "fast", "_helper"):
        (folder / f"{name}.py").write_text("before")
    (tmp_path / "mine.py").write_text("before")
    monkeypatch.setattr(registry, "workloads", lambda: {"conv1d": None, "other": None})
    monkeypatch.setattr(registry, "folder", lambda name: {"conv1d": folder}[name])
    specs = [
        ImplementationSpec("fast", "conv1d", str(folder / "fast.py"), "package.fast"),
        ImplementationSpec("mine", "conv1d", str(tmp_path / "mine.py")),
    ]
    before = sources.hashes(specs)
    assert set(before) == {"impls", "conv1d", "conv1d/mine"}
    (folder / "_helper.py").write_text("after")
    after = sources.hashes(specs)
    assert [name for name in before if before[name] != after[name]] == ["conv1d"]
