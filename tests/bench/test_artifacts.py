"""Artifacts are stored whole, continued after an interruption, and never read damaged."""

import errno
import json
import multiprocessing
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import artifacts
from bench.core.artifact import Arrays, Artifact, Content
from bench.core.errors import RunError


def built_by() -> artifacts.BuiltBy:
    return artifacts.BuiltBy(processor="test", libraries={})


class Counting:
    """Adds up the numbers of its parts; ``fail_at`` raises before that part is built."""

    def __init__(self, artifact: "Numbers") -> None:
        self._artifact = artifact
        self._total = np.zeros(3)
        self.done = 0

    @property
    def parts(self) -> int:
        return self._artifact.parts

    def build_part(self) -> None:
        if self.done == self._artifact.fail_at:
            raise KeyboardInterrupt
        time.sleep(self._artifact.sleep_s)
        self._total = self._total * 2 + self.done + self._artifact.seed
        self.done += 1
        self._artifact.parts_made += 1

    def state(self) -> Arrays:
        return {"total": self._total, "done": np.array(self.done)}

    def restore(self, state: Arrays) -> None:
        self._total, self.done = state["total"], int(state["done"])

    def content(self) -> Content:
        return Content({"total": self._total}, {"loss": [1.0 / (part + 1) for part in range(self.parts)]})


class Numbers(Artifact):
    kind = "numbers"

    def __init__(self, seed: int = 1, parts: int = 4, fail_at: int | None = None, sleep_s: float = 0.0) -> None:
        self.seed, self.parts, self.fail_at, self.sleep_s = seed, parts, fail_at, sleep_s
        self.parts_made = 0

    @property
    def inputs(self) -> Mapping[str, Any]:
        return {"seed": self.seed, "parts": self.parts}

    @property
    def label(self) -> str:
        return f"numbers {self.seed}"

    def begin(self) -> Counting:
        return Counting(self)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setattr(artifacts, "REFERENCE", tmp_path / "reference")
    return tmp_path / "artifacts"


def total_of(artifact: Numbers) -> list[float]:
    return [float(value) for value in artifacts.load(artifact).arrays["total"]]


def test_equal_ingredients_make_the_same_artifact_and_others_another() -> None:
    assert Numbers(1).key == Numbers(1, sleep_s=5).key
    assert len({Numbers(1).key, Numbers(2).key, Numbers(1, parts=5).key}) == 3


def test_an_artifact_is_made_once_and_loaded_afterwards() -> None:
    artifact = Numbers()
    with pytest.raises(RunError, match="numbers 1 is missing or damaged; build it with featherbench build"):
        artifacts.load(artifact)
    assert artifacts.describe(artifact.key) is None
    first, second = (artifacts.build(artifact, built_by) for _ in range(2))
    assert first.seconds > 0
    assert second == (first.description, first.size_bytes, 0)
    assert first.size_bytes == 24, "three numbers in float64"
    assert artifact.parts_made == 4
    loaded = artifacts.load(artifact)
    assert loaded.description.history["loss"] == [1.0, 0.5, 1 / 3, 0.25]
    assert loaded.description.inputs == {"seed": 1, "parts": 4}
    assert artifacts.describe(artifact.key) == loaded.description


def test_an_interrupted_build_continues_with_the_next_part(folder: Path) -> None:
    artifacts.build(Numbers(7), built_by)
    undisturbed = total_of(Numbers(7))
    (folder / Numbers(7).key / artifacts.DESCRIPTION).unlink()
    with pytest.raises(KeyboardInterrupt):
        artifacts.build(Numbers(7, fail_at=3), built_by)
    progress = artifacts.progress(Numbers(7).key)
    assert progress is not None
    assert (progress.done, progress.parts) == (3, 4)
    continued = Numbers(7)
    artifacts.build(continued, built_by)
    assert continued.parts_made == 1
    assert total_of(continued) == undisturbed
    assert not list((folder / continued.key).glob("checkpoint-*"))


def test_a_damaged_checkpoint_is_not_continued(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt):
        artifacts.build(Numbers(fail_at=2), built_by)
    (checkpoint,) = (folder / Numbers().key).glob("checkpoint-*")
    content = bytearray(checkpoint.read_bytes())
    content[-1] ^= 1
    checkpoint.write_bytes(content)
    again = Numbers()
    artifacts.build(again, built_by)
    assert again.parts_made == 4
    assert "is damaged and is not used" in caplog.text
    assert (folder / again.key / f"damaged-{checkpoint.name}").read_bytes() == content


@pytest.mark.parametrize("damaged", [artifacts.CONTENT, artifacts.DESCRIPTION])
def test_a_damaged_artifact_is_noticed_and_made_again(
    folder: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    artifacts.build(Numbers(), built_by)
    right = total_of(Numbers())
    path = folder / Numbers().key / damaged
    content = bytearray(path.read_bytes())
    position = content.index(b"0.5") if damaged == artifacts.DESCRIPTION else len(content) // 2
    content[position] ^= 1  # a loss of 1.5 in the description
    path.write_bytes(content)
    assert artifacts.describe(Numbers().key) is None
    with pytest.raises(RunError, match="missing or damaged"):
        artifacts.load(Numbers())
    assert "artifact" in caplog.text
    again = Numbers()
    artifacts.build(again, built_by)
    assert again.parts_made == 4
    assert total_of(again) == right
    assert any(kept.read_bytes() == content for kept in path.parent.glob(f"damaged-*-{damaged}"))


def test_a_description_of_another_artifact_is_not_taken(folder: Path) -> None:
    artifacts.build(Numbers(1), built_by)
    (folder / Numbers(1).key).rename(folder / Numbers(2).key)
    with pytest.raises(RunError, match="numbers 2 is missing"):
        artifacts.load(Numbers(2))


def test_a_committed_artifact_is_loaded_from_the_checkout(folder: Path, tmp_path: Path) -> None:
    artifacts.build(Numbers(), built_by)
    (tmp_path / "reference").mkdir()
    (folder / Numbers().key).rename(tmp_path / "reference" / Numbers().key)
    assert total_of(Numbers()) == [26.0] * 3
    assert artifacts.build(Numbers(), built_by).seconds == 0
    assert not list(folder.iterdir())


def test_a_full_disk_loses_no_finished_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = Numbers()
    write = artifacts._write

    def fails_on_third(path: Path, data: bytes) -> None:
        if path.name.startswith("checkpoint-0003"):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(artifacts, "_write", fails_on_third)
    with pytest.raises(
        RunError, match=r"cannot store numbers 1 in .*: No space left on device; its finished parts are"
    ):
        artifacts.build(artifact, built_by)
    monkeypatch.undo()
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(folder))
    progress = artifacts.progress(artifact.key)
    assert progress is not None
    assert progress.done == 2
    continued = Numbers()
    artifacts.build(continued, built_by)
    assert continued.parts_made == 2


def build_in_process(results: "multiprocessing.SimpleQueue[int]") -> None:
    artifact = Numbers(sleep_s=0.2)
    artifacts.build(artifact, built_by)
    results.put(artifact.parts_made)


def test_two_processes_that_make_the_same_artifact_make_it_once() -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[int] = context.SimpleQueue()
    processes = [context.Process(target=build_in_process, args=(results,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert sorted(results.get() for _ in processes) == [0, 4]
    assert total_of(Numbers()) == [26.0] * 3


def test_a_description_is_readable_json(folder: Path) -> None:
    artifacts.build(Numbers(), built_by)
    stored = json.loads((folder / Numbers().key / artifacts.DESCRIPTION).read_text())
    assert stored["label"] == "numbers 1"
    assert stored["built_by"]["processor"] == "test"
