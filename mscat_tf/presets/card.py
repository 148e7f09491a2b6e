"""The model card of a preset as data, made of what was measured; `card_text` writes it for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from mscat_tf.inference.signature import Signature
from mscat_tf.number_text import estimate_text, rejection_text
from mscat_tf.run_folder import Run
from mscat_tf.schema import SCHEMA_VERSION

USES = (
    "scores for events like those below without a training: a first look, an example, a test of one's own chain",
    "the start of a training on other events (`train.start_from`, from a copy of the preset)",
)
"""What a preset is meant for."""

_OF_TRAINING = ("parameters", "flops_per_event", "epochs_trained", "best_epoch", "seconds")


def card_of(run: Run, command: str, thresholds: Mapping[str, float], scores: Sequence[float]) -> dict[str, Any]:
    """Everything that the card says, but the digests of the files.

    Args:
        run: evaluated. command: makes the preset again.
        thresholds: logits above which these shares of the signal lie. scores: of the reference events.
    """
    config, metrics, training = run.config, run.metrics, run.training
    against = {name: _against(entry) for name, entry in metrics.items() if isinstance(entry, dict) and "auc" in entry}
    data = _data(run)
    return {
        "name": config.name,
        "network": config.model.name,
        "command": command,
        "configuration_digest": config.decisive_digest,
        "seed": config.seed,
        "versions": run.origin["trained_with"],
        **{name: training[name] for name in _OF_TRAINING},
        "inputs": Signature.of(run.model.inputs, config.data).to_json()["inputs"],
        "data": data,
        "test_events": metrics["events"],
        "against": against,
        "accuracy": metrics["accuracy"],
        "expected_calibration_error": metrics["calibration"]["expected_calibration_error"],
        "temperature": metrics["calibration"]["temperature"],
        "logit_thresholds": dict(thresholds),
        "reference": {"events": len(scores), "scores": list(scores)},
        "intended_use": list(USES),
        "limits": _limits(config.seed, data["processes"], against, metrics["settings"]["min_effective_background"]),
    }


def _against(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "events": entry["events"]["background"],
        "effective_events": entry["effective_events"]["background"],
        "auc": entry["auc"]["value"],
        "auc_error": entry["auc"]["error"],
        "auc_text": estimate_text(entry["auc"]),
        "rejection": {point: rejection_text(of) for point, of in entry["rejection"].items()},
    }


def _data(run: Run) -> dict[str, Any]:
    settings = run.config.sample
    return {
        "sample": settings.name,
        "digest": run.origin["data_digest"],
        "schema_version": SCHEMA_VERSION,
        "sqrt_s": settings.sqrt_s,
        "detector": settings.detector,
        "fat_jets": settings.fat_jets.model_dump(mode="json"),
        "selection": settings.selection.model_dump(mode="json"),
        "b_tagging": settings.b_tagging.model_dump(mode="json"),
        "processes": run.sample.configuration.get("processes", {}),
        "versions": run.sample.header.versions,
        "splits": run.training["splits"],
    }


def _limits(seed: int, processes: Mapping[str, Any], against: Mapping[str, Any], least: float) -> list[str]:
    masses = [of["m_H"] for of in processes.values() if "m_H" in of]
    weakest = min(against, key=lambda name: against[name]["effective_events"])
    effective = against[weakest]["effective_events"]
    return [
        *(f"Signal of one mass, m_H = {mass:g} GeV: at other masses the score is not the best one." for mass in masses),
        "Simulation alone: fast detector, no pile-up, generators at leading order; never compared with collisions.",
        "Events outside the selection above were not seen in training, nor were other processes.",
        f"{weakest} has {effective:.0f} effective test events: rejections above about {effective / least:.1f} are not "
        "measured.",
        "Trained with signal and backgrounds of the same summed weight: for another mixture the score is no "
        "probability.",
        f"One training, seed {seed}: the spread between seeds is in experiments/RESULTS.md, and no part of the errors.",
    ]
