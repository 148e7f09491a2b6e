"""`mscat convert`: samples of ours for analysis elsewhere."""

from pathlib import Path

from mscat_tf.cli.console import out
from mscat_tf.cli.stages import find
from mscat_tf.config import DataSettings
from mscat_tf.config.load import section_alone


def convert(source: Path, format: str, target: Path, overrides: list[str]) -> None:
    """Write a sample as another format; `overrides` act on the `data` settings, for the splits."""
    settings = section_alone(DataSettings, "data", overrides, "decide which split an event is in")
    events = find("data_prep.writers.run", "generate").convert(source, format, target, settings)
    out.print(f"{target}: {events} events; what made them is in {target.name}.json", soft_wrap=True)
