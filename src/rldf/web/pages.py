"""Fills the templates and writes the pages; every text from outside is escaped by the engine."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rldf.records.durable_files import write_file
from rldf.web.wording import STOPPED, amount, duration, moment, number, plural

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""A page may show its own styles and embedded pictures, and nothing else."""


def render_page(template: str, values: Mapping[str, object]) -> str:
    """Fills a template.

    Args:
        template: file name in templates/.
        values: what it shows.

    Returns:
        The page.
    """
    return _environment().get_template(template).render(policy=CONTENT_SECURITY_POLICY, **values)


def write_page(page: str, out: Path) -> Path:
    """Writes a page whole or not at all: a reader never sees half of it; an older page there is replaced."""
    write_file(out, page.encode("utf-8"))
    return out


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(amount=amount, duration=duration, moment=moment, number=number)
    environment.globals.update(plural=plural, stopped=STOPPED)
    return environment
