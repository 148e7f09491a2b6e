"""Grad-CAM explorer: density of attributions in the plane of the jet frame, for every method, process and event."""

from typing import Any

import numpy as np

from mscat_tf.explanation import StoredMaps
from mscat_tf.interpretation.figures import PLANE, plane_density
from mscat_tf.interpretation.plane_figures import shares, signed_density
from mscat_tf.report.arrays import halves
from mscat_tf.report.blocks import jet_label
from mscat_tf.report.material import Material
from mscat_tf.report.numbers import grouped
from mscat_tf.report.section import Choice, Figure, Part, Section, Table, Text
from mscat_tf.report.sections.groups import signal_first
from mscat_tf.report.shown_events import jets_of, methods_of

HEADING = "Grad-CAM explorer"
SIGNED = ("integrated_gradients",)
"""Methods whose values are drawn with their sign, in units of the logit; of the others each event's shares are."""


def grad_cam_section(material: Material) -> Section:
    """Densities of `gradcam.h5` and its single events."""
    stored = material.explained.grad_cam
    if stored is None or not methods_of(stored):
        missing = Text(f"No Grad-CAM and no other attributions of this run. {material.explained.how}", missing=True)
        return Section("grad-cam", HEADING, [missing])
    return Section("grad-cam", HEADING, [_density(stored, material.events), *_all_zero(stored)])


def _density(stored: StoredMaps, limit: int) -> Figure:
    processes, process = stored.attribute("processes"), stored.read("process")
    jets, methods = jets_of(stored), methods_of(stored)
    maps: dict[str, Any] = {}
    for method in methods:
        densities = np.stack([_of_jet(stored, method, jet, process, len(processes)) for jet in range(1, jets + 1)])
        maps[method] = halves(densities)
    counts = np.bincount(process, minlength=len(processes)).tolist()
    layers = stored.attributes.get("gradcam_layers", {})
    of_layers = ", ".join(f"`{layer}`" for layer in dict.fromkeys(layers.values()))
    data = {
        "processes": processes, "counts": counts, "plane": PLANE, "maps": maps, "methods": methods,
        "signed": list(SIGNED),
        "jets": [jet_label(jet, jets) for jet in range(1, jets + 1)],
    }  # fmt: skip
    most = min(limit, max(counts, default=0))
    single = [(str(number), f"event {number + 1}") for number in range(most)]
    choices = [
        Choice("method", "Method", list(methods.items())),
        Choice("process", "Process", [(str(processes.index(name)), name) for name in signal_first(stored, processes)]),
        Choice("event", "Average or single event", [("mean", "mean of events"), *single]),
    ]  # fmt: skip
    used = ", ".join(f"{grouped(count)} {name}" for name, count in zip(processes, counts, strict=True))
    return Figure(
        "grad-cam-map", "gradCam",
        f"Share of each event's attribution per unit area of the (η, φ) plane of the jet frame, over {used} test "
        f"events{f'; Grad-CAM of {of_layers}' if of_layers else ''}. Events whose map is zero everywhere do not count. "
        "Integrated gradients are drawn with their sign, in units of the logit. A single event is drawn constituent by "
        "constituent, larger for more transverse momentum.",
        "Heat map of attributions in the (eta, phi) plane of each jet.", data, choices, steps="event",
    )  # fmt: skip


def _of_jet(stored: StoredMaps, method: str, jet: int, process: Any, processes: int) -> Any:
    """Density `(processes, bins, bins)`, eta first: of shares, or of values where these have signs."""
    eta, phi, values = (stored.read(f"jet_{jet}/{name}") for name in ("eta", "phi", method))
    each = [process == index for index in range(processes)]
    if method in SIGNED:
        return np.stack([signed_density(eta[own], phi[own], values[own]) for own in each])
    return np.stack([plane_density(eta[own], phi[own], shares(values[own])) for own in each])


def _all_zero(stored: StoredMaps) -> list[Part]:
    shares = stored.attributes.get("all_zero")
    if not shares:
        return []
    processes = stored.attribute("processes")
    rows = [
        [jet.replace("_", " "), *("no events" if own.get(name) is None else f"{own[name]:.2%}" for name in processes)]
        for jet, own in shares.items()
    ]
    return [Table("Share of events whose Grad-CAM map is zero everywhere", ["jet", *processes], rows)]
