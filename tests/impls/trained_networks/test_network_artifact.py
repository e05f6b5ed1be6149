"""A trained network as an artifact: what decides its key, and that interruptions do not change its weights."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from bench import artifacts, datasets
from impls.networks.block import DW_PW, STANDARD, dw_scc
from impls.trained_networks import image_data
from impls.trained_networks.network_artifact import REVISION, NetworkArtifact, load_weights
from impls.training.training import Images, predict
from tests.impls.code_hash import hash_of_code

pytest.importorskip("sklearn")
ROOT = Path(__file__).parents[3]
TRAINING_CODE = {2: "b32550c48d09331c"}
"""A hash of the code that decides what is trained, without docstrings and comments, by REVISION."""


def built_by() -> artifacts.BuiltBy:
    return artifacts.BuiltBy(processor="test", libraries={})


def create(**changes: Any) -> NetworkArtifact:
    arguments: dict[str, Any] = {
        "dataset": "digits",
        "network": "resnet8",
        "width_mult": 0.5,
        "block": DW_PW,
        "recipe": "smoke",
        "epochs": 2,
        "seed": 0,
    }
    return NetworkArtifact(**arguments | changes)


@pytest.mark.parametrize(
    "change",
    [
        {"network": "mobilenet"},
        {"width_mult": 1.0},
        {"block": STANDARD},
        {"block": dw_scc(2, 0.5)},
        {"recipe": "fast"},
        {"epochs": 3},
        {"seed": 1},
    ],
)
def test_everything_that_decides_the_weights_changes_the_key(change: dict[str, Any]) -> None:
    assert create(**change).key != create().key


def test_the_device_does_not_change_the_key() -> None:
    assert create(device="cuda").key == create().key


def test_the_trained_network_is_as_accurate_as_its_history_says() -> None:
    artifact = create(epochs=4)
    artifacts.build(artifact, built_by)
    loaded = artifacts.load(artifact)
    network = artifact.create()
    load_weights(network, loaded.arrays)
    held_out, card = image_data.load("digits").held_out, datasets.image_card("digits")
    images = Images(torch.from_numpy(held_out.images), torch.from_numpy(held_out.labels), card.mean, card.std)
    right = (predict(network, images).argmax(dim=1) == images.labels).double().mean().item()
    assert right == pytest.approx(loaded.description.history["held_out_accuracy"][-1], abs=0.01)
    assert right > 0.8


BUILDER = """
import os
import sys
import torch
from bench import artifacts
from impls.trained_networks.network_artifact import NetworkArtifact
from impls.networks.block import dw_scc

torch.set_num_threads(1)
artifact = NetworkArtifact("digits", "resnet8", 1.0, dw_scc(2, 0.5), "smoke", 30, 3)
artifact.begin()  # imports all that a training needs
print(artifact.key, flush=True)
for folder in sys.stdin:
    if not (child := os.fork()):
        os.environ["FEATHERBENCH_ARTIFACTS"] = folder.strip()
        artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="test", libraries={}))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Builds an artifact in each folder that it reads, in a fork: it imports once what takes seconds to import."""


class Builder:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.key = self.read()

    def read(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def start(self, folder: Path) -> int:
        """Begin to build in ``folder``, and return the id of the process that does it."""
        assert self.process.stdin
        print(folder, file=self.process.stdin, flush=True)
        return int(self.read())

    def exit_status(self) -> int:
        """Wait for the process that builds, and return its exit status, or minus the signal that ended it."""
        return int(self.read())


@pytest.fixture
def builder() -> Iterator[Builder]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", BUILDER], env=environment, text=True, **pipes) as process:
        yield Builder(process)


def epochs_done(folder: Path) -> int:
    return max((int(path.name.split("-")[1]) for path in folder.glob("*/checkpoint-*")), default=0)


def kills(seed: int) -> Iterator[float]:
    """Yield ten random times to wait after the next epoch has ended, s."""
    random = Random(seed)
    for _ in range(10):
        yield random.uniform(0, 0.3)


def test_a_build_killed_at_ten_random_instants_ends_in_the_same_weights(builder: Builder, tmp_path: Path) -> None:
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    builder.start(undisturbed)
    assert builder.exit_status() == 0

    for delay in kills(seed=4):
        before, deadline = epochs_done(disturbed), time.monotonic() + 60
        child = builder.start(disturbed)
        while epochs_done(disturbed) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        assert builder.exit_status() == -signal.SIGKILL, "each kill hits a build that is still at work"
    builder.start(disturbed)
    assert builder.exit_status() == 0
    contents = [(folder / builder.key / artifacts.CONTENT).read_bytes() for folder in (undisturbed, disturbed)]
    assert contents[0] == contents[1]


def training_code() -> str:
    """Return a hash of the code that decides what is trained."""
    folders = [ROOT / "impls" / name for name in ("networks", "training", "sliding_channel_conv2d/layer")]
    own = [ROOT / f"impls/trained_networks/{name}.py" for name in ("formats", "image_data", "network_artifact")]
    return hash_of_code([*(path for folder in folders for path in sorted(folder.glob("*.py"))), *own])


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="syntax trees differ between versions of Python")
def test_the_code_of_the_training_is_that_of_its_revision() -> None:
    """Where this fails: raise REVISION if the same settings now make other weights, then state the new hash here."""
    assert {REVISION: training_code()} == TRAINING_CODE
