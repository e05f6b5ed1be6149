"""The choice of an epoch on validation, as the sound protocol makes it."""

from math import inf, isnan

PATIENCE = 50
"""Epochs without a better one after which training would be stopped."""


class Choice:
    """The best epoch so far, until there was none better for ``PATIENCE`` epochs.

    Better: a higher validation accuracy, or an equal one with a lower validation loss. Told of epochs after the stop,
    it keeps its choice, so that one training can go on for those who look at all of its epochs.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._accuracy, self._loss = -1.0, inf

    def improves(self, epoch: int, accuracy: float, loss: float) -> bool:
        """Whether ``epoch``, counted from 0 and told in order, is the new choice."""
        loss = inf if isnan(loss) else loss
        better = accuracy > self._accuracy or (accuracy == self._accuracy and loss < self._loss)
        if not better or epoch - self.epoch > PATIENCE:
            return False
        self.epoch, self._accuracy, self._loss = epoch, accuracy, loss
        return True
