"""The engine on torchvision's light networks."""

import pytest
import torch

from impls.accelerate import accelerate
from impls.models.torchvision_models import torchvision_models
from impls.native.library import unavailable

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

NETWORKS = (
    "resnet18",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "efficientnet_b0",
    "densenet121",
    "regnet_y_400mf",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_stays_pytorch_s_and_outputs_are_equal(name: str) -> None:
    torch.manual_seed(0)
    network = getattr(torchvision_models(), name)(weights=None).eval()
    accelerated = accelerate(network, torch.zeros(1, 3, 64, 64), threads=2, tuned=False)
    assert accelerated.fallbacks == []
    for batch in (1, 3):
        x = torch.randn(batch, 3, 64, 64)
        with torch.no_grad():
            expected = network(x)
            error = (accelerated(x) - expected).abs().max() / expected.abs().max()
        assert error < 1e-4
