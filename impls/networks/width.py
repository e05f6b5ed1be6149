"""The width multiplier of a network."""

MIN_CHANNELS = 8


def scaled(channels: int, width: float) -> int:
    """Return ``width`` times a number of channels, rounded to a multiple of 8."""
    if width == 1:
        return channels
    return max(MIN_CHANNELS, round(channels * width / MIN_CHANNELS) * MIN_CHANNELS)
