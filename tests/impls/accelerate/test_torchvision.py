"""The engine on torchvision's light networks."""

import re
from pathlib import Path

import pytest
import torch

from impls.accelerate import accelerate
from impls.models.torchvision_models import torchvision_models
from impls.native.library import unavailable
from impls.network_inference.workload import TORCHVISION_NETWORKS

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


@pytest.mark.parametrize("name", TORCHVISION_NETWORKS)
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


def test_the_example_of_the_guide(capsys: pytest.CaptureFixture[str]) -> None:
    torchvision_models()  # so that the example can import torchvision even where it was built for another PyTorch
    guide = (Path(__file__).parents[3] / "docs" / "networks.md").read_text()
    (code,) = re.findall(r"```python\n(import torch\n.*?)```", guide, re.DOTALL)
    with torch.no_grad():
        exec(code, {})
    fallbacks, difference, shape = capsys.readouterr().out.splitlines()
    assert fallbacks == "[]"
    assert float(difference.removeprefix("tensor(").removesuffix(")")) < 1e-4
    assert shape == "torch.Size([8, 1000])"
