"""Groups of events over which means of attention are taken: by process, and by whether the network was right."""

from mscat_tf.explanation import StoredMaps
from mscat_tf.report.section import Choice

VERDICTS = {"all": "all events", "right": "rightly classified", "wrong": "wrongly classified"}


def groups_of(stored: StoredMaps) -> list[tuple[str, str]]:
    """Process and verdict of each group."""
    return [(group["process"], group["verdict"]) for group in stored.attribute("groups")]


def verdict_choice(stored: StoredMaps) -> Choice:
    """Select of the verdict."""
    verdicts = dict.fromkeys(verdict for _, verdict in groups_of(stored))
    return Choice("verdict", "Events", [(name, VERDICTS.get(name, name)) for name in verdicts])


def group_choices(stored: StoredMaps) -> list[Choice]:
    """Selects of process and verdict."""
    processes = dict.fromkeys(group["process"] for group in stored.attribute("groups"))
    options = [(name, name) for name in signal_first(stored, list(processes))]
    return [Choice("process", "Process", options), verdict_choice(stored)]


def signal_first(stored: StoredMaps, processes: list[str]) -> list[str]:
    """The same names, those of signal before those of background."""
    signals = {group["process"] for group in stored.attribute("groups") if group["name"] == "signal"}
    return sorted(processes, key=lambda name: name not in signals)
