"""A model card as Markdown."""

from collections.abc import Mapping
from typing import Any

from mscat_tf.evaluation.markdown import table_lines
from mscat_tf.number_text import estimate_text, with_error

Card = Mapping[str, Any]


def card_text(card: Card) -> str:
    """The page.

    Args:
        card: what `mscat_tf.presets.card.card_of` gives.
    """
    parts = [
        (card["name"], _network(card)),
        ("Intended use", _list(card["intended_use"])),
        ("Data", _data(card["data"])),
        ("Metrics", _metrics(card)),
        ("Limits", _list(card["limits"])),
    ]
    pages = [f"{'#' if place == 0 else '##'} {title}\n\n{text}\n" for place, (title, text) in enumerate(parts)]
    return "\n".join(pages)


def _network(card: Card) -> str:
    versions = card["versions"]
    return (
        f"Network `{card['network']}`, {card['parameters']} parameters, {card['flops_per_event'] / 1e6:.1f} MFLOP per "
        f"event; best epoch {card['best_epoch']} of {card['epochs_trained']}, seed {card['seed']}.\n"
        f"Made by `{card['command']}` with TensorFlow {versions['tensorflow']} and Keras {versions['keras']}; that "
        "command wrote this page and `card.json`."
    )


def _data(data: Card) -> str:
    jets, cuts, versions = data["fat_jets"], data["selection"], data["versions"]
    words = (
        f"Simulated events `{data['sample']}` (digest {data['digest']}), sqrt(s) = {data['sqrt_s'] / 1000:g} TeV, "
        f"Pythia {versions['pythia8mc']}, FastJet {versions['fastjet']}, detector `{data['detector']}`.\n"
        f"Selection: {jets['number']} anti-kT jets of R = {jets['radius']:g} within |eta| < {cuts['abs_eta_max']:g}, "
        f"transverse momenta above {cuts['leading_pt_min']:g} and {cuts['subleading_pt_min']:g} GeV, masses of "
        f"{cuts['mass_min']:g} to {cuts['mass_max']:g} GeV, {data['b_tagging']['tags_per_jet']} b tags in each jet.\n"
        "Events:"
    )
    rows = [
        [name, _process(of), *(str(split[name]["events"]) for split in data["splits"].values())]
        for name, of in data["processes"].items()
    ]
    return "\n".join([words, "", *table_lines(["process", "kind", *data["splits"]], rows)])


def _process(settings: Card) -> str:
    mass = f", m_H = {settings['m_H']:g} GeV" if "m_H" in settings else ""
    return f"{'signal' if settings['label'] else 'background'}, `{settings['kind']}`{mass}"


def _metrics(card: Card) -> str:
    points = next(iter(card["against"].values()))["rejection"]
    columns = ["test split, against", "events", "effective", "AUC", *(f"1/eff_B at {float(p):.0%}" for p in points)]
    rows = [
        [name, str(of["events"]), f"{of['effective_events']:.0f}", of["auc_text"], *of["rejection"].values()]
        for name, of in card["against"].items()
    ]
    cuts = ", ".join(f"{float(point):.0%}: {value:.3f}" for point, value in card["logit_thresholds"].items())
    found = card["temperature"]
    temperature = with_error(found["value"], found["error"]) if found else "not fitted"
    words = (
        "Errors: bootstrap over test events; `>` is a lower limit at 95 % confidence.\n"
        f"Accuracy at a score of 0.5: {estimate_text(card['accuracy'])}. Expected calibration error: "
        f"{card['expected_calibration_error']:.4f}; temperature, by which logits are divided to calibrate them: "
        f"{temperature}.\n"
        f"Logit above which a share of the signal lies (test events): {cuts}."
    )
    return "\n".join([*table_lines(columns, rows), "", words])


def _list(sentences: list[str]) -> str:
    return "\n".join(f"* {sentence}" for sentence in sentences)
