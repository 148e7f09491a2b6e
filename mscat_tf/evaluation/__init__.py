"""Metrics with errors, tables and figures of a finished run."""
