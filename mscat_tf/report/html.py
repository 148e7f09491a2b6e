"""HTML of the parts of a section. All text is escaped; JSON cannot end its script element."""

import html
import json
import re
from typing import Any

from mscat_tf.report.section import Choice, Code, Figure, Json, Part, Section, Table, Text


def section_html(section: Section) -> str:
    """A section with its heading, its parts and their data."""
    parts = "\n".join(part_html(part) for part in section.parts)
    shared = "\n".join(data_html(f"shared-{name}", data) for name, data in section.shared.items())
    heading = f'<h2 id="{section.anchor}-heading">{escape(section.heading)}</h2>'
    opening = f'<section id="{section.anchor}" aria-labelledby="{section.anchor}-heading">'
    return "\n".join([opening, heading, shared, parts, "</section>"])


def part_html(part: Part) -> str:
    """One part."""
    if isinstance(part, Text):
        return f'<p class="missing">{inline(part.text)}</p>' if part.missing else f"<p>{inline(part.text)}</p>"
    if isinstance(part, Table):
        return table_html(part)
    if isinstance(part, Code):
        name = escape(part.caption)
        opening = f'<pre tabindex="0" role="region" aria-label="{name}">'
        return _folded(part.caption, f"{opening}{escape(part.text)}</pre>")
    return figure_html(part)


def escape(text: Any) -> str:
    """Text for HTML, inside an attribute too."""
    return html.escape(str(text), quote=True)


def inline(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def json_text(data: Any) -> str:
    """JSON that stands safely in a script element; NaN and infinity are refused."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return re.sub("[<>&\u2028\u2029]", lambda found: escapes[found[0]], text)


def data_html(name: str, data: Json) -> str:
    """Data for the script of the page."""
    return f'<script type="application/json" id="{escape(name)}">{json_text(data)}</script>'


def table_html(table: Table) -> str:
    """A table that scrolls within itself, by keyboard too."""
    head = "".join(f'<th scope="col">{inline(column)}</th>' for column in table.columns)
    body = "\n".join(
        "<tr>"
        + f'<th scope="row">{inline(row[0])}</th>'
        + "".join(f"<td>{inline(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    kind = ' class="words"' if table.words else ""
    caption = "" if table.folded else f'<p class="caption" aria-hidden="true">{inline(table.caption)}</p>'
    inner = f"<table{kind}><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
    scrolled = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.caption)}">{inner}</div>'
    return _folded(table.caption, scrolled) if table.folded else caption + scrolled


def figure_html(figure: Figure) -> str:
    """Selects, the place of the drawing, what it shows in words, its caption, its numbers, its data."""
    choices = "".join(_choice(figure.name, choice) for choice in figure.choices)
    if figure.steps:
        words = (("previous", "‹ Previous"), ("next", "Next ›"))
        choices += "".join(f'<button type="button" data-step="{step}">{text}</button>' for step, text in words)
    group = f'<div class="choices" role="group" aria-label="What the figure shows">{choices}</div>' if choices else ""
    return "\n".join(
        [
            f'<figure id="{figure.name}" data-drawer="{figure.drawer}" data-steps="{figure.steps or ""}">',
            group,
            f'<div class="plot" role="img" aria-label="{escape(figure.description)}"></div>',
            '<p class="words" role="status"></p>',
            f"<figcaption>{inline(figure.caption)}</figcaption>",
            '<div class="rows"></div>',
            table_html(figure.numbers) if figure.numbers else "",
            data_html(f"data-{figure.name}", figure.data),
            "</figure>",
        ]
    )


def _choice(figure: str, choice: Choice) -> str:
    options = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in choice.options)
    name = f"{figure}-{choice.name}"
    return (
        f'<label for="{name}">{escape(choice.label)}'
        f'<select id="{name}" data-choice="{choice.name}">{options}</select></label>'
    )


def _folded(summary: str, inner: str) -> str:
    return f"<details><summary>{inline(summary)}</summary>{inner}</details>"
