"""Names of processes in figures: LaTeX where it is known what a process is, its own name elsewhere."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

BY_NAME = {"4b": r"$b\bar{b}b\bar{b}$", "ttbar": r"$t\bar{t}$"}
"""Names that say themselves what they are, whatever made the events (a file of Delphes, for example)."""
BY_KIND = {
    "heavy_higgs": r"$H\to hh\to 4b$",
    "ttbar": r"$t\bar{t}$",
    "collinear_4b": r"$b\bar{b}b\bar{b}$ (collinear)",
    "qcd_jets": "QCD jets",
}


class ProcessLabels(dict[str, str]):
    """Labels by process; one that isn't here is written as it is called.

    >>> ProcessLabels({"a": "$a$"})["b_1"]
    'b_1'
    """

    def __missing__(self, name: str) -> str:
        return _plain(name)


def process_labels(names: Sequence[str], configuration: Mapping[str, Any] | None = None) -> ProcessLabels:
    """Labels of these processes.

    Args:
        names: of processes. configuration: of the sample (`Sample.configuration`), which may know their kind.

    A resonance's mass, and the name of the process, are added where two processes would be called the same.
    """
    known = (configuration or {}).get("processes", {})
    labels = {name: label_of(name, known.get(name)) for name in names}
    for add in (_mass, lambda name, _: _plain(name)):
        often = Counter(labels.values())
        for name, label in labels.items():
            more = add(name, known.get(name) or {})
            if often[label] > 1 and more:
                labels[name] = f"{label}, {more}"
    return ProcessLabels(labels)


def label_of(name: str, settings: Mapping[str, Any] | None = None) -> str:
    """Label of one process.

    Args:
        name: of it. settings: of it in the sample's configuration.

    >>> label_of("x", {"kind": "heavy_higgs"}), label_of("ttbar"), label_of("a_$")
    ('$H\\\\to hh\\\\to 4b$', '$t\\\\bar{t}$', 'a_\\\\$')
    """
    settings = settings or {}
    kind = settings.get("kind")
    if kind == "boson_and_jet":
        return rf"${settings.get('boson', 'h')}(\to b\bar{{b}})$ + jet"
    if kind == "qcd_jets" and settings.get("flavour") == "bottom":
        return r"$b\bar{b}$ jets"
    return BY_KIND.get(str(kind)) or BY_NAME.get(name) or _plain(name)


def _mass(name: str, settings: Mapping[str, Any]) -> str:
    mass = settings.get("m_H")
    return rf"$m_H = {mass:g}$ GeV" if mass else ""


def _plain(name: str) -> str:
    """The name itself, safe in a text where `$` begins a formula."""
    return name.replace("$", r"\$")


PLAIN = ProcessLabels()
"""Every process as it is called: where nothing is known of the sample."""
