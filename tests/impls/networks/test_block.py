"""Blocks have a text that they can be read from, and keep the shape of a 3 x 3 convolution."""

from collections.abc import Callable

import pytest
import torch

from impls.networks.block import DW_PW, STANDARD, Block, dw_gpw, dw_scc, grouped, parse_block
from impls.networks.catalogue import NETWORKS, create_network

BLOCKS = (STANDARD, DW_PW, dw_gpw(4), dw_scc(2, 0.33), dw_scc(4, "1/3"), grouped(8), grouped("N"))


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_read_from_its_text(block: Block) -> None:
    assert parse_block(str(block)) == block


@pytest.mark.parametrize(
    "text",
    [
        *("", "dense", "dw_scc", "dw_scc(cg=two,co=0.5)", "grouped(cg=2)", "dw_pw(cg=1)", "standard(x=1)"),
        *("standard)", "standard()", "dw_gpw(cg=2", "dw_gpw(cg=-1)", "dw_gpw(cg=0)", "grouped(groups=0)"),
        *("grouped(groups=-2)", "dw_scc(cg=0,co=0.5)", "dw_scc(cg=2,co=7)", "dw_scc(cg=2,co=1)", "dw_scc(cg=2,co=1/0)"),
    ],
)
def test_what_is_no_block_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ValueError, match="choose from standard"):
        parse_block(text)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Block("dense"), "no kind of block 'dense'; choose from standard, dw_pw"),
        (lambda: dw_gpw(0), "cg is 0, but a block has at least one group"),
        (lambda: dw_scc(2, 7), "co is 7, but groups overlap by at least 0 and less than 1"),
        (lambda: dw_scc(2, -0.5), "co is -1/2"),
        (lambda: grouped(0), "groups is 0; give at least one, or N"),
        (lambda: Block("grouped", groups=-2), "groups is -2"),
    ],
)
def test_a_number_out_of_range_is_refused(make: Callable[[], Block], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_keeps_the_shape_of_the_convolution(block: Block, stride: int) -> None:
    x = torch.zeros(2, 16, 9, 7)
    assert block.conv3x3(16, 24, stride)(x).shape == STANDARD.conv3x3(16, 24, stride)(x).shape


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("block", [STANDARD, dw_scc(2, 0.5)], ids=str)
def test_every_parameter_of_a_network_is_trained(name: str, block: Block) -> None:
    net = create_network(name, block, num_classes=7, in_channels=1, width_mult=0.25)
    logits = net(torch.randn(2, 1, 32, 32))
    assert logits.shape == (2, 7)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_an_unknown_network_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"no network .vgg.; choose from basic_net"):
        create_network("vgg", STANDARD)
