"""One self-contained interactive HTML page about one run or several: `write_report`."""

from mscat_tf.report.page import write_report

__all__ = ["write_report"]
