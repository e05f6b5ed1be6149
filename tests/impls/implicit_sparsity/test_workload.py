"""Implicit sparsity: outputs are verified, and a record holds what the paper's findings need."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from bench import artifacts
from bench.core import registry
from bench.core.target import Target
from bench.core.workload import Problem
from impls.implicit_sparsity._activations import layers_on_training_images
from impls.implicit_sparsity._optimisers import OPTIMISERS
from impls.implicit_sparsity._sparsity import summarise
from impls.implicit_sparsity.optimiser import Optimiser
from impls.implicit_sparsity.workload import ImplicitSparsity, ImplicitSparsityCase
from impls.trained_networks import image_data
from impls.trained_networks.trained_network import TrainedNetwork

pytest.importorskip("sklearn")
WORKLOAD = ImplicitSparsity()
CASE = ImplicitSparsityCase(width_mult=0.125, batch_size=128, epochs=2)
EDGE = Target("edge")


@pytest.fixture(scope="module")
def prepared() -> tuple[Problem, TrainedNetwork]:
    implementation = Optimiser()
    for artifact in implementation.artifacts(CASE, EDGE):
        artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="test", libraries={}))
    problem = WORKLOAD.problem(CASE, seed=1)
    return problem, implementation.prepare(problem, EDGE)


def test_a_network_passes_and_its_metrics_are_those_of_the_artifact(prepared: tuple[Problem, TrainedNetwork]) -> None:
    problem, call = prepared
    check = WORKLOAD.check(problem, call, seed=2)
    assert check.passed, check.reason
    evaluated = WORKLOAD.evaluate(problem, call)
    for name, part in (("top1", "test"), ("top1_held_out", "held_out")):
        images, labels = getattr(image_data.load("digits"), part)
        logits = call.reference(image_data.normalise("digits", images))
        assert evaluated.metrics[name] == np.mean(logits.argmax(axis=1) == labels)
    summary = summarise(layers_on_training_images(call.artifact.load_network(), "digits"))
    assert summary.metrics.items() <= evaluated.metrics.items()
    assert summary.curves.items() <= evaluated.curves.items()
    assert {name for name in evaluated.metrics if name != "weight_bytes"} | set(evaluated.curves) == {
        metric.name for metric in WORKLOAD.metrics
    }


def test_curves_have_a_value_for_each_epoch_or_layer(prepared: tuple[Problem, TrainedNetwork]) -> None:
    described = {metric.name: metric for metric in WORKLOAD.metrics}
    counts = {"epoch": CASE.epochs, "layer": 7}
    for name, values in WORKLOAD.evaluate(*prepared).curves.items():
        assert len(values) == counts[described[name].along], name


def test_a_network_of_another_case_is_refused(prepared: tuple[Problem, TrainedNetwork]) -> None:
    other = CASE.model_copy(update={"decay": "decoupled"})
    failed = WORKLOAD.check(WORKLOAD.problem(other, seed=1), prepared[1], seed=2)
    assert failed.reason == "the network was trained with decay=l2, not decoupled"


def test_a_network_with_other_weights_is_refused(prepared: tuple[Problem, TrainedNetwork]) -> None:
    problem, call = prepared
    assert not WORKLOAD.check(problem, replace(call, predict=lambda: call() + 0.1), seed=2).passed


def test_each_optimiser_is_an_implementation_that_states_its_rate() -> None:
    specs = {spec.name: spec for spec in registry.implementations() if spec.workload == "implicit_sparsity"}
    assert specs.keys() == OPTIMISERS.keys()
    assert {name: variant.get("optimiser", "sgd") for name, variant in Optimiser.variants.items()} == {
        name: name for name in OPTIMISERS
    }
    for name, spec in specs.items():
        assert spec.summary.endswith(f"learning rate {OPTIMISERS[name].learning_rate:g}.")


def test_the_suite_of_cifar_10_has_every_decay_strength_and_seed() -> None:
    cases = WORKLOAD.suites()["cifar10"]
    assert len(cases) == len(set(cases)) == 24
    for decay in ("l2", "decoupled"):
        strengths = {case.strength for case in cases if case.decay == decay}
        assert {0.0} < strengths
        assert len(strengths) == 4
        grid = set(product(strengths, range(3)))
        assert {(case.strength, case.seed) for case in cases if case.decay == decay} == grid


def test_the_contrasts_differ_in_one_parameter_from_a_case_of_the_other_suite() -> None:
    suites = WORKLOAD.suites()
    base, *others = ({**case.model_dump(), "seed": 0} for case in suites["contrasts"] if case.seed == 0)
    assert ImplicitSparsityCase(**base) in suites["cifar10"]
    changed: list[dict[str, Any]] = [
        {name: value for name, value in other.items() if value != base[name]} for other in others
    ]
    assert changed == [
        {"dataset": "fashion_mnist"},
        {"batch_size": 64},
        {"batch_size": 256},
        {"width_mult": 0.125},
        {"width_mult": 0.5},
    ]
