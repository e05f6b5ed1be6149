"""Node classification: graph networks, trained and judged alike."""
