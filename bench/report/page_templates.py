"""What all pages share: how templates are read, and the style of text, links and tables."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_BASE_STYLE = Path(__file__).parent / "templates/base.css"


def page_environment(folder: Path) -> Environment:
    """Return an environment for the templates in ``folder``, which escapes all text and refuses undefined names."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_style(own: Path) -> Markup:
    """Return the style of a page: what all pages share, then the file ``own``."""
    return Markup(_BASE_STYLE.read_text() + own.read_text())
