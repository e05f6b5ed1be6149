"""Formats in which numbers are stored and multiplied."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Format:
    """A format in which numbers are stored and multiplied; ``name`` is that of the kernels' type."""

    name: str
    per_word: int
    """How many numbers a 32-bit word of the tensor cores' operands holds."""
    tensor_cores: bool = True
    """Whether tensor cores multiply them; else the kernels whose names end in ``_simt`` do, in float32."""

    @property
    def vector(self) -> int:
        """How many numbers 16 bytes hold, the most that a thread loads at once."""
        return 4 * self.per_word


FORMATS = {
    "float32": Format("Float", 1, tensor_cores=False),
    "tf32": Format("Tf32", 1),
    "float16": Format("Half", 2),
    "bfloat16": Format("Bfloat16", 2),
}
"""Formats by the type of their operands; all add up in float32."""


def format_of(dtype: torch.dtype, tf32: bool) -> Format:
    """Return the format for tensors of ``dtype``; float32 is multiplied as TF32 where ``tf32`` allows it.

    Raises:
        TypeError: where the kernels take no such dtype.
    """
    name = "tf32" if tf32 and dtype == torch.float32 else str(dtype).removeprefix("torch.")
    if name not in FORMATS:
        raise TypeError(f"the CUDA kernels take float32, float16 and bfloat16, not {name}")
    return FORMATS[name]
