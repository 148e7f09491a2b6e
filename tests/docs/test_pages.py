"""Statements of the pages that follow from the code."""

import configparser
import re

from markdown_it import MarkdownIt

from mscat_tf import schema
from mscat_tf.physics.high_level_columns import chosen_columns
from tests.docs.blocks import ROOT, blocks_of

CODE = re.compile(r"`([^`]+)`")


def table_after(page, heading):
    """Rows of cells of the first table below a heading."""
    text = (ROOT / page).read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    end = next(place for place, token in enumerate(tokens) if token.type == "table_close")
    cells = [(token.map[0], token.content) for token in tokens[:end] if token.type == "inline" and token.level > 2]
    return [[cell for line, cell in cells if line == row] for row in sorted({line for line, _ in cells})]


def test_the_house_is_that_of_the_contracts():
    """docs/architecture.md draws the floors that import-linter keeps."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    floors = setup["importlinter:contract:floors"]["layers"].replace("(", "").replace(")", "").split("\n")
    drawn = next(block.text for block in blocks_of("docs/architecture.md") if block.text.startswith("cli "))
    assert [re.split(r"\s{2,}", line)[0] for line in drawn.splitlines()] == [floor for floor in floors if floor]


def test_data_card_lists_every_array():
    """Its data sets and columns are those of the schema; the sample lacks what it was not asked for."""
    listed = {}
    for row in table_after("docs/data_card.md", "Arrays")[1:]:
        for name in CODE.findall(row[0]):
            listed[name] = row[1:]
    missing = {"known_logit", "subjets/subjets", "subjets/mask", "event_shapes"}
    assert set(listed) == set(schema.DATA_SETS) - missing
    kinds = {"f4": "float32", "i4": "int32", "i8": "int64", "u8": "uint64", "?": "bool"}
    for name, (shape, kind, columns) in listed.items():
        data_set = schema.DATA_SETS[name]
        assert kind == kinds[data_set.dtype], name
        known = chosen_columns(["standard"]) if name == "high_level" else data_set.columns
        words = [word.split()[0] for word in re.split(r"[,;]", columns) if word.strip()]
        assert words[: len(known)] == list(known), name
        if data_set.first == "events":
            assert shape.count(",") == max(1, len(data_set.axes)), name
        if known:
            assert shape.endswith(f"{len(known)})"), name
