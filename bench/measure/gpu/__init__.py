"""Measures memory and time of calls that run on a GPU after they have returned."""
