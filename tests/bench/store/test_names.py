"""Runs are found by their names."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench import store
from bench.core.errors import UsageError
from bench.store import Request, Run

NOW = datetime(2026, 11, 23, 20, 45, 10, tzinfo=UTC)

CreateRun = Callable[..., Run]


def test_latest_is_the_one_that_began_last(create: CreateRun, tmp_path: Path) -> None:
    create("a-late", started=NOW + timedelta(hours=1))
    create("b-early")
    assert store.find("latest", tmp_path).name == "a-late"
    assert [run.name for run in store.runs(tmp_path)] == ["b-early", "a-late"]


def test_a_run_is_found_by_name_and_by_folder(create: CreateRun, tmp_path: Path) -> None:
    run = create("mine")
    assert store.find("mine", tmp_path).folder == run.folder
    assert store.find(str(run.folder), tmp_path / "elsewhere").folder == run.folder


def test_an_unknown_name_is_refused_with_the_choices(create: CreateRun, tmp_path: Path) -> None:
    create("one")
    create("two", started=NOW + timedelta(hours=1))
    with pytest.raises(UsageError, match=r"no run 'three' in .*; choose from: latest, one, two"):
        store.find("three", tmp_path)


def test_without_a_run_latest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no run in .* yet; make one with: featherbench run"):
        store.find("latest", tmp_path)


def test_a_new_name_holds_the_time_and_the_request(tmp_path: Path) -> None:
    request = Request(workloads=("conv", "gemm"), suite="quick", target="edge:avx2")
    name = "20261123-204510-conv+gemm-quick-edge-avx2"
    for expected in (name, f"{name}-2", f"{name}-3"):
        assert store.new_name(request, NOW, tmp_path) == expected
        (tmp_path / expected).mkdir()
