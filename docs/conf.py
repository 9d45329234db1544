"""Sphinx: the documentation as pages, with nothing fetched from elsewhere."""

project = "Answerable"
extensions = ["myst_parser"]
html_theme = "furo"
exclude_patterns = ["_build", "images"]
myst_heading_anchors = 2
html_show_sphinx = False
