"""What a page is made of: sections of text, tables and figures, all of it data; `html` writes it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mscat_tf.report.material import Material

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text; what stands between backticks is code.

    Attributes:
        missing: says which command makes what this run lacks.
    """

    text: str
    missing: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column is their heading, the others are numbers unless `words`.

    Attributes:
        folded: shown when asked for.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = False
    words: bool = False


@dataclass(frozen=True)
class Code:
    """A text of many lines, shown when asked for."""

    caption: str
    text: str


@dataclass(frozen=True)
class Choice:
    """A native select beside a figure.

    Attributes:
        name: by which the drawer knows it. label: before it. options: value and text of each; the first is chosen.
    """

    name: str
    label: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Figure:
    """An interactive figure.

    Attributes:
        name: one on the page. drawer: function of the page's script that draws it. data: what it draws, as JSON.
        caption: what is seen. description: the same for those who cannot see it.
        choices: what a reader may choose. numbers: the same as a table.
        steps: name of the choice that buttons go through.
    """

    name: str
    drawer: str
    caption: str
    description: str
    data: Json
    choices: Sequence[Choice] = ()
    numbers: Table | None = None
    steps: str | None = None


Part = Text | Table | Code | Figure


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading.

    Attributes:
        anchor: its address on the page. heading: its title. parts: in their order.
        shared: data by name that several figures of the page use.
    """

    anchor: str
    heading: str
    parts: Sequence[Part]
    shared: Mapping[str, Json] = field(default_factory=dict)


class SectionMaker(Protocol):
    """Makes one section of what the runs hold."""

    def __call__(self, material: Material) -> Section:
        """The section; what the runs lack is named in a sentence there."""
