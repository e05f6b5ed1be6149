"""Styles of implementations, the same in every figure of a workload and distinct without colours."""

from collections.abc import Iterable
from typing import NamedTuple

COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222"),
    *("#6a3d9a", "#7f6000", "#8a8a8a", "#99003d", "#1d5c2e", "#5b7fff"),
)
"""Okabe and Ito's palette for all kinds of colour vision, without its yellow, invisible on white; and six more."""

DARK_COLOURS = (
    *("#4da3dd", "#f08a3c", "#2fc398", "#e59ac2", "#f0b93f", "#7cc7f0", "#e4e4e4"),
    *("#b08be0", "#c9ad45", "#9c9c9c", "#ec6f9b", "#7cc48e", "#9db0ff"),
)
"""The same colours, lighter, for a dark page."""

SYMBOLS = {
    "circle": "M8 2.5A5.5 5.5 0 1 1 8 13.5A5.5 5.5 0 1 1 8 2.5Z",
    "square": "M3 3H13V13H3Z",
    "diamond": "M8 1L15 8L8 15L1 8Z",
    "triangle-up": "M8 2L15 14H1Z",
    "cross": "M6 2H10V6H14V10H10V14H6V10H2V6H6Z",
    "x": "M4 1.5L8 5.5L12 1.5L14.5 4L10.5 8L14.5 12L12 14.5L8 10.5L4 14.5L1.5 12L5.5 8L1.5 4Z",
    "triangle-down": "M8 14L1 2H15Z",
    "hourglass": "M2 2H14L2 14H14Z",
}
"""Marker symbols, each with its outline as an SVG path in a 16 x 16 box."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


class Style(NamedTuple):
    """How an implementation is drawn."""

    colour: str
    symbol: str
    dash: str

    @property
    def outline(self) -> str:
        """The symbol as an SVG path in a 16 x 16 box."""
        return SYMBOLS[self.symbol]

    @property
    def number(self) -> int:
        """The number of the colour."""
        return COLOURS.index(self.colour)


def styles(implementations: Iterable[str]) -> dict[str, Style]:
    """Return a style for each implementation, in the order of their names.

    There are 13 colours, 8 symbols and 5 dashes, so no two of the first 104 share both colour and symbol.
    """
    symbols = tuple(SYMBOLS)
    return {
        name: Style(COLOURS[i % len(COLOURS)], symbols[i % len(symbols)], DASHES[i % len(DASHES)])
        for i, name in enumerate(sorted(set(implementations)))
    }
