"""The page: sections one below the other in one file that needs nothing else, no network either."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.files import write_text
from mscat_tf.report.html import escape, section_html
from mscat_tf.report.material import Material
from mscat_tf.report.section import Section
from mscat_tf.report.sections import SECTIONS
from mscat_tf.run_folder import Run, load_run

EVENTS = 20
"""Of each process that a page embeds unless told otherwise: what `mscat explain` keeps the attention of."""
SCRIPTS = (
    "arrays.js", "traces.js", "variants.js", "attention.js", "projections.js", "grad_cam.js", "event_display.js",
    "page.js",
)  # fmt: skip
"""In the order in which they run."""


def write_report(runs: Sequence[str | Path | Run], path: str | Path | None = None, events: int = EVENTS) -> Path:
    """Write one HTML file about these runs and return where it is; the same runs give the same bytes.

    Args:
        runs: folders or objects; the first is shown in full, the others are compared with it.
        path: of the file; default `report.html` in the folder of the first run.
        events: at most so many events of each process are embedded for the explorers.

    Raises:
        InputError: no run is given, one is not finished, or a file in it is damaged.
        OutputError: the file cannot be written. MissingExtraError: plotly is not installed.
    """
    if not runs:
        raise InputError("no run is given; name at least one run folder, e.g. runs/demo-mscat")
    opened = tuple((run if isinstance(run, Run) else load_run(run)).need_finished() for run in runs)
    path = Path(path) if path else opened[0].path / "report.html"
    write_text(path, page(Material(opened, events)))
    return path


def page(material: Material) -> str:
    """The whole page as text."""
    sections = [make(material) for make in SECTIONS]
    scripts = [plotly_script(), "\n".join(_resource(name) for name in SCRIPTS)]
    title = f"{material.names[0]}: mscat report"
    return Template(_resource("page.html")).substitute(
        title=escape(title),
        policy=escape(_policy(scripts)),
        style=_resource("page.css"),
        contents="\n".join(_link(section) for section in sections),
        heading=escape(_heading(material)),
        main="\n".join(section_html(section) for section in sections),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def plotly_script() -> str:
    """plotly.js, whole: no smaller bundle comes with the Python package.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError as error:
        raise MissingExtraError("plotly is not installed; install it with: pip install 'mscat-tf[report]'") from error
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _policy(scripts: list[str]) -> str:
    """Only these very scripts may run, and nothing may be loaded from anywhere."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def _heading(material: Material) -> str:
    others = f" and {len(material.runs) - 1} more" if len(material.runs) > 1 else ""
    return f"{material.names[0]}{others}"


def _link(section: Section) -> str:
    return f'<li><a href="#{section.anchor}">{escape(section.heading)}</a></li>'


def _resource(name: str) -> str:
    return (files("mscat_tf.report") / "resources" / name).read_text(encoding="utf-8")
