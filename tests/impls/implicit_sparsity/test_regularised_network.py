"""A network trained with regularisation as an artifact: what decides its key and its weights."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench import artifacts
from impls.implicit_sparsity._optimisers import OPTIMISERS
from impls.implicit_sparsity._regularised_network import REVISION, RegularisedNetwork
from impls.implicit_sparsity.workload import ImplicitSparsityCase
from impls.trained_networks.network_artifact import training_images
from tests.impls.code_hash import hash_of_code

pytest.importorskip("sklearn")
ROOT = Path(__file__).parents[3]
CODE = {1: "60c8271b4e987600"}
"""A hash of the code of this folder that decides what is trained, without docstrings and comments, by REVISION."""
SMALL: dict[str, Any] = {"width_mult": 0.125, "strength": 0.01, "batch_size": 256, "epochs": 2}


def create(optimiser: str = "adam", **changes: Any) -> RegularisedNetwork:
    return RegularisedNetwork(ImplicitSparsityCase(**SMALL | changes), optimiser)


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser": "amsgrad"},
        {"width_mult": 0.25},
        {"decay": "decoupled"},
        {"strength": 0.02},
        {"batch_size": 128},
        {"epochs": 3},
        {"seed": 1},
    ],
)
def test_everything_that_decides_the_weights_changes_the_key(change: dict[str, Any]) -> None:
    assert create(**change).key != create().key


def test_the_dataset_changes_the_key() -> None:
    assert create(dataset="fashion_mnist").key != create().key


def test_the_rate_and_the_options_of_the_optimiser_change_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    key, settings = create().key, OPTIMISERS["adam"]
    for other in (settings._replace(learning_rate=0.002), settings._replace(options={"betas": (0.8, 0.999)})):
        monkeypatch.setitem(OPTIMISERS, "adam", other)
        assert create().key != key


def test_without_strength_both_decays_are_the_same_artifact() -> None:
    assert create(strength=0.0, decay="decoupled").key == create(strength=0.0).key


@pytest.mark.parametrize("decay", ["l2", "decoupled"])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_build_continued_elsewhere_ends_in_the_same_weights(optimiser: str, decay: str) -> None:
    artifact = create(optimiser, decay=decay)
    undisturbed, first, second = (artifact.begin() for _ in range(3))
    undisturbed.build_part()
    undisturbed.build_part()
    first.build_part()
    second.restore({name: array.copy() for name, array in first.state().items()})
    second.build_part()
    assert second.done == second.parts
    expected, arrays = undisturbed.content().arrays, second.content().arrays
    assert arrays.keys() == expected.keys()
    assert all(arrays[name].tobytes() == expected[name].tobytes() for name in expected)
    assert second.content().history["train_loss"] == undisturbed.content().history["train_loss"]


@pytest.mark.parametrize("decay", ["l2", "decoupled"])
def test_a_training_takes_the_optimisers_steps_on_all_parameters(decay: str) -> None:
    """One epoch is one step on all images; SGD has no memory yet."""
    artifact = create("sgd", decay=decay, strength=0.1, batch_size=1257, epochs=1)
    build = artifact.begin()
    build.build_part()
    network, (train, _) = artifact.create().train(), training_images("digits", "cpu")
    nn.functional.cross_entropy(network(train.normalised(train.images)), train.labels).backward()  # type: ignore[no-untyped-call]
    trained = build.content().arrays
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        with torch.no_grad():
            if decay == "l2":
                expected = parameter - 0.01 * (parameter.grad + 0.1 * parameter)
            else:
                expected = (parameter - 0.01 * parameter.grad) * (1 - 0.1)
        assert torch.allclose(torch.from_numpy(trained[name]), expected, rtol=1e-5, atol=2e-5), name


def test_a_network_is_loaded_as_it_was_built() -> None:
    artifact = create()
    build = artifact.begin()
    for _ in range(build.parts):
        build.build_part()
    artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="test", libraries={}))
    weights = artifact.load_network().state_dict()
    expected = build.content().arrays
    assert all(weights[name].numpy().tobytes() == expected[name].tobytes() for name in expected)


def test_no_image_is_augmented_and_the_rate_stays() -> None:
    recipe = create().recipe
    assert (recipe.crop_padding, recipe.horizontal_flip, recipe.schedule) == (0, False, "constant")
    assert recipe.decay_all_parameters
    assert recipe == replace(create(decay="decoupled").recipe, weight_decay=0.01)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="syntax trees differ between versions of Python")
def test_the_code_of_the_training_is_that_of_its_revision() -> None:
    """Where this fails: raise REVISION if the same case now makes other weights, then state the new hash here."""
    files = [ROOT / f"impls/implicit_sparsity/{name}.py" for name in ("_optimisers", "_regularised_network")]
    assert {REVISION: hash_of_code(files)} == CODE
