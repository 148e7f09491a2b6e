"""Event display: the constituents of both jets, with what the network made of them."""

from mscat_tf.report.blocks import jet_label, title
from mscat_tf.report.explained import Explained
from mscat_tf.report.material import Material
from mscat_tf.report.section import Choice, Figure, Section, Text
from mscat_tf.report.shown_events import Axes, methods_of

HEADING = "Event display"
NO_EVENTS = "No single events to show. "


def events_section(material: Material) -> Section:
    """Constituents in the plane of the jet frame, coloured as asked for."""
    explained = material.explained
    axes, events = material.attention_axes, material.shown
    if not events:
        return Section("events", HEADING, [Text(NO_EVENTS + explained.how, missing=True)])
    processes = events["processes"]
    numbers = [sum(event["process"] == index for event in events["events"]) for index in range(len(processes))]
    jets = len(events["events"][0]["jets"])
    signals = {event["process"] for event in events["events"] if event["label"] == 1}
    order = sorted((index for index, number in enumerate(numbers) if number), key=lambda index: index not in signals)
    options = [(str(index), processes[index]) for index in order]
    crossing = _crossing(axes)
    colours = [("pt", "transverse momentum")]
    colours += [(f"method:{key}", text) for key, text in methods_of(explained.grad_cam).items()]
    colours += [(f"attention:{block}", title(block, jets)) for block in crossing]
    preferred = sorted(colours, key=lambda colour: not colour[0].startswith("attention"))
    most_heads = _heads(explained, crossing)
    choices = [
        Choice("process", "Process", options),
        Choice("event", "Event", [(str(number), f"event {number + 1}") for number in range(max(numbers))]),
        Choice("colour", "Colour", preferred),
        Choice("reader", "Read by", [(str(n), token) for n, token in enumerate(_readers(axes, crossing))]),
        Choice("head", "Head", [("mean", "mean of heads"), *((str(n), f"head {n + 1}") for n in range(most_heads))]),
    ]
    data = {
        "radius": material.first.config.sample.fat_jets.radius,
        "jets": [jet_label(jet, jets) for jet in range(1, jets + 1)],
        "offsets": {block: [s.as_json() for s in axes[block][1]] for block in crossing},
        "heads": {block: explained.attention.shape(f"{block}/per_head")[1] for block in crossing}
        if explained.attention
        else {},
        "colours": dict(colours),
        "tokens": explained.numbers.get("tokens", []),
        "features": list(material.first.config.data.kinematic_features),
    }
    figure = Figure(
        "event-display", "eventDisplay",
        "Constituents in the (η, φ) plane of each jet's frame; their area grows with transverse momentum, the "
        f"dashed circle is the jet's radius. {len(events['events'])} events are embedded (`--events` sets how many "
        "of each process).",
        "Constituents of each jet as discs in the (eta, phi) plane.", data, choices, steps="event",
    )  # fmt: skip
    return Section("events", HEADING, [figure])


def _crossing(axes: Axes) -> list[str]:
    """Blocks whose keys are constituents, read from outside the jet."""
    found = [block for block, (queries, keys) in axes.items() if queries != keys and any(span.jet for span in keys)]
    return sorted(found, key=lambda block: not block.startswith("cross_"))


def _readers(axes: Axes, crossing: list[str]) -> list[str]:
    """Labels of the queries of the blocks; the longest list serves all."""
    lists = [[span.label for span in axes[block][0] for _ in range(span.count)] for block in crossing]
    return max(lists, key=len, default=[])


def _heads(explained: Explained, crossing: list[str]) -> int:
    stored = explained.attention
    return max((stored.shape(f"{block}/per_head")[1] for block in crossing), default=0) if stored else 0
