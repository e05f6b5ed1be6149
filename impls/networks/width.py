"""The width multiplier of a network."""

MIN_CHANNELS = 8


def scale_channels(channels: int, width_mult: float) -> int:
    """Return ``channels`` times ``width_mult``, rounded to a multiple of 8 and at least 8; unchanged if that is 1."""
    if width_mult == 1:
        return channels
    return max(MIN_CHANNELS, round(channels * width_mult / MIN_CHANNELS) * MIN_CHANNELS)
