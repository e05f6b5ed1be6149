"""The choice of an epoch on validation, as in the sound protocol."""

from math import inf, isnan

PATIENCE = 50
"""Number of epochs without a better one after which training would be stopped."""


class Choice:
    """The best epoch so far, until ``PATIENCE`` epochs have brought no better one.

    An epoch is better if its validation accuracy is higher, or if that is equal and its validation loss is lower. The
    choice ignores epochs after the stop, so that one training can go on for protocols that look at all of its epochs.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._accuracy, self._loss = -1.0, inf

    def improves(self, epoch: int, accuracy: float, loss: float) -> bool:
        """Return whether ``epoch`` becomes the choice; epochs count from 0 and are passed in order."""
        loss = inf if isnan(loss) else loss
        better = accuracy > self._accuracy or (accuracy == self._accuracy and loss < self._loss)
        if not better or epoch - self.epoch > PATIENCE:
            return False
        self.epoch, self._accuracy, self._loss = epoch, accuracy, loss
        return True
