"""Networks with the schedule of arXiv 2006.09791: what is scheduled, what is not, and that both are right."""

import pytest
import torch
from torch import nn

pytest.importorskip("tvm", reason="needs apache-tvm: pip install apache-tvm")

from impls.networks.block import grouped
from impls.networks.wide_resnet import wide_resnet
from impls.runtimes import tvm_gspc_export
from impls.runtimes.catalogue import RUNTIMES

RUNTIME = RUNTIMES["tvm_gspc"]


def converted(network: nn.Module, x: torch.Tensor) -> tuple[str, torch.Tensor, torch.Tensor]:
    """Return the fact about the converted network, its output, and that of the network in float64."""
    with torch.no_grad():
        expected = network.eval().double()(x.double())
    model = RUNTIME.convert(network.float(), x)
    return RUNTIME.facts(model)["GSPC"], torch.as_tensor(RUNTIME.load(model, x, 1)()).double(), expected


@pytest.mark.parametrize("groups", [2, 8, "N"])
def test_grouped_blocks_are_scheduled_and_right(groups: int | str) -> None:
    torch.manual_seed(1)
    fact, output, expected = converted(wide_resnet(10, 1, grouped(groups)), torch.randn(2, 3, 32, 32))
    assert fact == "6 of 6 grouped convolutions scheduled"
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


class Mixed(nn.Module):
    """Convolutions with one group, with two groups and uneven sizes, and with two groups in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Conv2d(4, 6, 3)
        self.grouped = nn.Conv2d(6, 10, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
        self.exact = nn.Conv2d(10, 4, 1, groups=2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.grouped(self.plain(x))
        return nn.functional.conv2d(y.double(), self.exact.weight.double(), groups=2).to(x.dtype)


def test_what_cannot_be_scheduled_is_computed_as_plain_loops_and_named() -> None:
    torch.manual_seed(1)
    fact, output, expected = converted(Mixed(), torch.randn(2, 4, 9, 8))
    assert fact == ("1 of 2 grouped convolutions scheduled; 1 as plain loops: the paper's schedule is for float32 only")
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_the_schedule_is_what_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []

    def compile_library(module: object, target: object) -> bytes:
        names.extend(variable.name_hint for variable in module.get_global_vars())  # type: ignore[attr-defined]
        return b""

    monkeypatch.setattr(tvm_gspc_export, "compile_library", compile_library)
    tvm_gspc_export.convert(Mixed(), torch.randn(2, 4, 9, 8), None)
    assert "gspc_conv2d" in names
    assert sum(name.startswith("conv2d") for name in names) == 2
