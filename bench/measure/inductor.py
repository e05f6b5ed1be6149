"""Initialises PyTorch's compiler while an implementation is imported, so that this does not count as preparing."""

import torch


def make_ready() -> None:
    """Import what ``torch.compile`` imports when it first compiles, which takes seconds, by compiling something small.

    Call it at the top of a file whose implementation compiles. After that the compiler starts no processes of its own.
    """
    torch._inductor.config.compile_threads = 1
    torch.compile(lambda x: x + 1)(torch.ones(1))
    torch._dynamo.reset()
