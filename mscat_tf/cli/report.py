"""`mscat report`: one HTML page about one run or several."""

from collections.abc import Sequence
from pathlib import Path

from mscat_tf.cli.console import out
from mscat_tf.report import write_report
from mscat_tf.report.page import EVENTS


def report(runs: Sequence[Path], path: Path | None = None, events: int = EVENTS) -> None:
    """Write the page and say where it is and how large."""
    written = write_report(runs, path, events)
    out.print(
        f"{written}: {written.stat().st_size / 1e6:.1f} MB, complete in itself; open it in a browser", soft_wrap=True
    )
