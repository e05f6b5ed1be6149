"""Weighs and times calls that run on a GPU after they have returned."""
