"""Fault campaign, `make faults`: what a hostile day does to every command, with what is expected and what was seen.

`case` says what a case is, `command` runs `mscat` in a process of its own, `stock` makes what is sound, the other
modules hold the cases. The package itself needs nothing of this; cases use the writers of small files in `tests/`.
"""
