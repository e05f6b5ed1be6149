"""Diverse grouped 2-D convolution: groups of filters read sets of channels, which differ in size and may overlap."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from bench.core.case import MAX_SIZE, Case
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.operator_workload import OperatorWorkload
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase


class DiverseGroupedConv2dCase(Case):
    """Sizes of one convolution of float32, with as many input as output channels, and what its groups read."""

    batch: int = Field(default=1, ge=1, le=MAX_SIZE, description="images")
    channels: int = Field(default=64, ge=1, le=MAX_SIZE, description="input channels, and as many filters")
    size: tuple[int, int] = Field(default=(32, 32), description="height and width of an image")
    kernel: int = Field(default=3, ge=1, le=7, description="height and width of a filter; padded to keep the size")
    groups: int = Field(default=16, ge=1, description="groups of filters; SG-CNN clusters them into 16")
    keep: float = Field(default=0.3, gt=0, le=1, description="share of the channels that a group reads, on average")
    overlap: float = Field(default=0.0, ge=0, le=1, description="share of what a group reads that all groups read")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.groups > self.channels:
            raise ValueError(f"groups={self.groups} is more than channels={self.channels}")
        if not all(1 <= length <= MAX_SIZE for length in self.size):
            raise ValueError(f"size must be from 1 to {MAX_SIZE}")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} is even; the padding keeps the size of odd ones only")
        return self

    @property
    def dense(self) -> GroupedConv2dCase:
        """The convolution whose filters read all channels."""
        height, width = self.size
        return GroupedConv2dCase(
            n=self.batch,
            cin=self.channels,
            cout=self.channels,
            h=height,
            w=width,
            kernel=(self.kernel, self.kernel),
            padding=(self.kernel // 2,) * 4,
        )


class DiverseGroupedConv2d(OperatorWorkload):
    """Y = W * X, where each filter reads only the channels of its group's set.

    Input: ``x`` (batch, channels, height, width). Constants: ``weight`` (channels, channels, kernel, kernel), which is
    zero where a filter does not read a channel; ``group`` (channels,), the group of each filter; ``reads`` (groups,
    channels), whether a group reads a channel. Output: (batch, channels, height, width). Numbers are float32.

    Sets differ in size, as those of SG-CNN do: beside the channels that all groups read, a group reads half to one and
    a half times the mean number of others, where there are enough. Filters of a group are spread over all channels, as
    clusters of filters are.
    """

    title = "Diverse grouped 2-D convolution"
    case_type = DiverseGroupedConv2dCase
    baseline = "pytorch_dense"
    uses_artifacts = True

    def suites(self) -> Mapping[str, Sequence[DiverseGroupedConv2dCase]]:
        suites = {
            "first": [DiverseGroupedConv2dCase(channels=256, size=(8, 8))],
            "quick": [DiverseGroupedConv2dCase(channels=channels, size=size) for channels, size in _vgg16()[1:3]],
            "vgg16": [
                DiverseGroupedConv2dCase(channels=channels, size=size, keep=keep)
                for (channels, size), keep in product(_vgg16(), (0.3, 0.5))
            ],
            "odd": _odd(),
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def problem(self, case: DiverseGroupedConv2dCase, seed: int) -> Problem:
        """Draw standard normal inputs, and the same groups and weights for every seed."""
        rng = np.random.default_rng(0)
        group = rng.permutation(np.arange(case.channels) % case.groups).astype(np.int64)
        reads = _sets(case, rng)
        fan_in = case.keep * case.channels * case.kernel**2
        shape = (case.channels, case.channels, case.kernel, case.kernel)
        weight = rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(fan_in))
        weight[~reads[group]] = 0
        x = np.random.default_rng(seed).standard_normal((case.batch, case.channels, *case.size), np.float32)
        return Problem(case, {"x": x}, {"weight": weight, "group": group, "reads": reads})

    def reference(self, problem: Problem) -> Array:
        weight = {"weight": problem.constants["weight"]}
        return GroupedConv2d().reference(Problem(problem.case.dense, problem.inputs, weight))

    def tolerance(self, case: DiverseGroupedConv2dCase) -> float:
        return GroupedConv2d().tolerance(case.dense)

    def work(self, case: DiverseGroupedConv2dCase) -> Work:
        """Count the products with weights that are not zero by construction."""
        constants = self.problem(case, 0).constants
        connections = int(constants["reads"].sum(axis=1)[constants["group"]].sum())
        dense = GroupedConv2d().work(case.dense)
        share = connections / case.channels**2
        images = 2 * case.batch * case.channels * case.size[0] * case.size[1]
        parameters = connections * case.kernel**2
        return Work(
            macs=round(share * dense.macs),
            fewest_macs=round(share * (dense.fewest_macs or dense.macs)),
            least_bytes=4 * (images + parameters),
            parameters=parameters,
            itemsize=4,
        )

    def random_case(self, pick: Pick[Any]) -> DiverseGroupedConv2dCase:
        groups = pick([1, 2, 3, 5])
        return DiverseGroupedConv2dCase(
            batch=pick([1, 3]),
            channels=groups + pick([0, 1, 7, 16, 33]),
            size=(pick([1, 5, 8]), pick([1, 6, 9])),
            kernel=pick([1, 3, 5]),
            groups=groups,
            keep=pick([0.1, 0.5, 1.0]),
            overlap=pick([0.0, 0.5, 1.0]),
        )


def _sets(case: DiverseGroupedConv2dCase, rng: np.random.Generator) -> Array:
    """Return which channels each group reads, (groups, channels): those that all read, and others drawn at random."""
    order = rng.permutation(case.channels)
    common = round(case.overlap * case.keep * case.channels)
    reads = np.zeros((case.groups, case.channels), bool)
    reads[:, order[:common]] = True
    mean = case.keep * case.channels - common
    spread = min(0.5, (case.channels - common) / mean - 1) if mean > 0 and case.groups > 1 else 0
    others = np.linspace(1 - spread, 1 + spread, case.groups) * mean
    for group, count in enumerate(others):
        drawn = min(max(round(count), 0 if common else 1), case.channels - common)
        reads[group, rng.choice(order[common:], drawn, replace=False)] = True
    return reads


def _vgg16() -> list[tuple[int, tuple[int, int]]]:
    """Return channels and image size of the 3 x 3 layers of VGG16 at 32 x 32 that have as many outputs as inputs."""
    return [(64, (32, 32)), (128, (16, 16)), (256, (8, 8)), (512, (4, 4)), (512, (2, 2))]


def _odd() -> list[DiverseGroupedConv2dCase]:
    """Return channels that fit no vector, single groups, filters with a set each, and other kernels."""
    return [
        DiverseGroupedConv2dCase(channels=61, size=(13, 7), groups=7, keep=0.4, overlap=0.5),
        DiverseGroupedConv2dCase(channels=24, size=(9, 9), groups=24, keep=0.25),
        DiverseGroupedConv2dCase(channels=48, size=(16, 16), kernel=1, groups=4, keep=0.5),
        DiverseGroupedConv2dCase(channels=32, size=(8, 8), kernel=5, groups=1, keep=0.3, batch=2),
    ]
