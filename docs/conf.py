"""How Sphinx builds these pages."""

project = "Featherbench"
copyright = "2026, the Featherbench authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Featherbench"
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]  # links to files outside docs/, which are right in the repository
