"""Comparisons, tables, figures and the HTML report of recorded runs."""
