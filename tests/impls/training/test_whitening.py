"""The first convolution begins with whitening filters."""

import pytest
import torch
from torch import nn

from impls.training.whitening import whiten_first_convolution


def correlated_images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 3, 34, 34, generator=generator)
    return nn.functional.avg_pool2d(noise, 3, 1) * 3


@pytest.mark.parametrize("filters", [8, 16, 40, 80])
def test_responses_have_unit_variance_and_are_uncorrelated(filters: int) -> None:
    network = nn.Sequential(nn.Conv2d(3, filters, 3, bias=False), nn.ReLU())
    first = network[0]
    initial = first.weight.clone()
    images = correlated_images()
    whiten_first_convolution(network, images)
    half = min((filters + 1) // 2, 27)
    responses = nn.functional.conv2d(images, first.weight[:half], stride=3).transpose(0, 1).flatten(1)
    covariance = responses @ responses.T / responses.shape[1]
    assert torch.allclose(covariance - torch.diag(covariance.diag()), torch.zeros(half, half), atol=2e-3)
    assert 0.8 < covariance.diag().min() <= covariance.diag().max() < 1.01
    assert torch.equal(first.weight[half : 2 * half], -first.weight[: min(half, filters - half)])
    assert torch.equal(first.weight[54:], initial[54:])


def test_the_filters_do_not_depend_on_the_signs_of_eigenvectors() -> None:
    networks = [nn.Conv2d(3, 8, 3) for _ in range(2)]
    for network in networks:
        whiten_first_convolution(network, correlated_images())
    assert torch.equal(networks[0].weight, networks[1].weight)
    largest = networks[0].weight[:4].flatten(1).abs().argmax(dim=1)
    assert (networks[0].weight[:4].flatten(1).gather(1, largest[:, None]) > 0).all()
