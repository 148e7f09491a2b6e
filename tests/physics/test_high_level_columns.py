"""The registry of named jet variables: choices, the document that is written from it, and settings."""

from pathlib import Path

import pytest

from mscat_tf.config.base import digest
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.sample import Tokens
from mscat_tf.physics.high_level_columns import COLUMNS, GROUPS, STANDARD, chosen_columns
from mscat_tf.physics.high_level_table import markdown_table

ROOT = Path(__file__).parents[2]


def test_the_document_has_the_table_of_the_registry():
    """After a change: replace what follows "## All columns" in docs/high_level.md by `markdown_table()`."""
    text = (ROOT / "docs" / "high_level.md").read_text()
    assert text.partition("## All columns\n\n")[2] == markdown_table() + "\n"


def test_every_column_says_what_it_is():
    for name, column in COLUMNS.items():
        assert name == column.name
        assert column.unit in ("1", "GeV", "GeV^2")
        assert len(column.definition) > 5
        assert column.reference.startswith(("arXiv:", "CMS "))
    assert tuple(COLUMNS)[: len(STANDARD)] == STANDARD  # files made before have these, in this order


def test_choices():
    assert chosen_columns(False) == ()
    assert chosen_columns(True) == chosen_columns(["standard"]) == STANDARD
    assert chosen_columns(["all"]) == tuple(COLUMNS)
    assert chosen_columns(["lund", "mass", "c1", "mass"]) == ("mass", "c1", *(n for n in COLUMNS if n[:5] == "lund_"))
    assert sum(len(chosen_columns([group])) for group in GROUPS) == len(COLUMNS)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            ["lund", "tau_5"],
            "no column or group of jet variables is called 'tau_5'; choose from the groups all, standard",
        ),
        ([], "an empty list chooses no column; write false"),
    ],
)
@pytest.mark.parametrize("settings", [Tokens, Preparation])
def test_settings_refuse_what_is_not_there(settings, choice, message):
    with pytest.raises(ValueError, match=message):
        settings(high_level=choice)


def test_older_settings_keep_their_digests():
    """A sample with `high_level: true`, and one without; a preparation that leaves the columns alone."""
    for choice in (True, False):
        stored = {"constituents": 50, "declusterings": 0, "high_level": choice}
        stored |= {"event_shapes": False, "missing_momentum": False}
        assert digest(Tokens(high_level=choice)) == digest(stored)
    assert "high_level" not in Preparation().model_dump(mode="json")
    assert Preparation(high_level=("lund",)).departs
