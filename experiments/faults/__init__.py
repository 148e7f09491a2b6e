"""Fault campaign, `make faults`: what a hostile day does to every command, with what is expected and what was seen.

`case` says what a case is, `command` runs `mscat` in a process of its own, `stock` makes what is sound, the other
modules hold the cases. Not in the wheel: cases use the writers of small files in `tests/`.
"""
