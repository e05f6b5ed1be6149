"""LiteRT, the runtime of TensorFlow Lite's models, with XNNPACK."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import ArrayLike


def load(model: bytes, x: ArrayLike, threads: int) -> Callable[[], Any]:
    """Return a call that runs a model on ``x``. The input is copied into the interpreter, and the output out of it.

    The model stores images as (batch, height, width, channels). The call takes and returns views of them as (batch,
    channels, height, width), so no data is reordered.
    """
    interpreter = Interpreter(model_content=model, num_threads=threads)
    interpreter.allocate_tensors()
    input_index = interpreter.get_input_details()[0]["index"]
    output_index = interpreter.get_output_details()[0]["index"]
    images = np.asarray(x).transpose(0, 2, 3, 1)

    def call() -> Any:
        interpreter.set_tensor(input_index, images)
        interpreter.invoke()
        # get_tensor copies: while a view of its memory exists, the interpreter refuses to run again.
        output = interpreter.get_tensor(output_index)
        return output.transpose(0, 3, 1, 2) if output.ndim == 4 else output

    return call
