"""Numbers as text: four significant digits and a unit that fits."""

from math import isinf, isnan

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))
MISSING = "–"
_GAP = "\u00a0"
"""No-break space between a number and its unit."""


def time_unit(nanoseconds: float) -> tuple[float, str]:
    """Return the unit that suits a duration: its length in nanoseconds, and its symbol."""
    return next((unit for unit in _TIMES if nanoseconds >= unit[0]), _TIMES[-1])


def size_unit(size: float) -> tuple[float, str]:
    """Return the unit that suits a size in bytes: its bytes, and its symbol."""
    return next((unit for unit in _SIZES if size >= unit[0]), _SIZES[-1])


def number(value: float | None, digits: int = 4) -> str:
    """Return ``value`` to ``digits`` significant digits, without an exponent between 1e-4 and 1e7."""
    if value is None or isnan(value):
        return MISSING
    if isinf(value):
        return "∞"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    text = f"{value:#.{digits}g}"
    return f"{value:,.0f}" if "e" in text or text.endswith(".") else text


def duration(nanoseconds: float) -> str:
    """Return a duration with its unit, e.g. ``1.234 ms``."""
    unit, symbol = time_unit(nanoseconds)
    return f"{number(nanoseconds / unit)}{_GAP}{symbol}"


def duration_interval(low: float, high: float, like: float) -> str:
    """Return an interval, given in ns, in the unit that suits ``like`` (ns), e.g. ``1.230 to 1.240``."""
    unit, _ = time_unit(like)
    return f"{number(low / unit)} to {number(high / unit)}"


def duration_with_interval(estimate: float, low: float, high: float) -> str:
    """Return a duration (ns) with its interval in the same unit, e.g. ``1.234 ms [1.230, 1.240]``."""
    unit, symbol = time_unit(estimate)
    return f"{number(estimate / unit)}{_GAP}{symbol} [{number(low / unit)}, {number(high / unit)}]"


def ratio_with_interval(estimate: float, low: float, high: float) -> str:
    """Return a ratio with its interval, e.g. ``0.556 [0.525, 0.588]``: three decimals from 0.1 to 10."""
    ends = [f"{end:.3f}" if 0.1 <= end < 10 else number(end, 3 if end < 0.1 else 4) for end in (estimate, low, high)]
    return f"{ends[0]} [{ends[1]}, {ends[2]}]"


def rough_time(seconds: float) -> str:
    """Return a time in whole seconds, minutes or tenths of hours, e.g. ``40 s``, ``3 min`` or ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Return a number of bytes in binary multiples, e.g. ``1.5 MiB``."""
    unit, symbol = size_unit(count)
    return f"{number(count / unit, 3) if unit > 1 else int(count)}{_GAP}{symbol}"


def percent(fraction: float | None, digits: int = 3) -> str:
    """Return a fraction as per cent, e.g. ``1.80 %``."""
    if fraction is None or isnan(fraction):
        return MISSING
    return f"{number(100 * fraction, digits)}{_GAP}%"


def hundredths(fraction: float, signed: bool = False) -> str:
    """Return a fraction in hundredths, without a unit, e.g. ``81.53``.

    With ``signed``, it has a sign, as a difference does: ``+1.80`` or ``−1.80``.
    """
    if isnan(fraction):
        return MISSING
    if isinf(fraction):
        return "−∞" if fraction < 0 else "∞"
    text = f"{100 * fraction:{'+' if signed else ''}.2f}"
    return text.replace("-", "−")


def counted(count: int, noun: str) -> str:
    """Return a number of things, e.g. ``1 case`` or ``3 cases``."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
