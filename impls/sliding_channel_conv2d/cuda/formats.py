"""How numbers are stored and multiplied."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Format:
    """How numbers are stored and multiplied; ``name`` is that of the kernels' type."""

    name: str
    per_word: int
    """Numbers in a 32-bit word of the tensor cores' operands."""
    exact: bool = False
    """In float32, without tensor cores."""

    @property
    def vector(self) -> int:
        """Numbers in 16 bytes, the most that a thread loads at once."""
        return 4 * self.per_word


FORMATS = {
    "float32": Format("Float", 1, exact=True),
    "tf32": Format("Tf32", 1),
    "float16": Format("Half", 2),
    "bfloat16": Format("Bfloat16", 2),
}
"""By what the operands are; sums are of float32 in all."""


def format_of(dtype: torch.dtype, tf32: bool) -> Format:
    """The format for tensors of ``dtype``; float32 is multiplied as ``tf32`` where that is allowed."""
    name = "tf32" if tf32 and dtype == torch.float32 else str(dtype).removeprefix("torch.")
    if name not in FORMATS:
        raise TypeError(f"the CUDA kernels take float32, float16 and bfloat16, not {name}")
    return FORMATS[name]
