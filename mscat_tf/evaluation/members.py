"""Test figures of the single trainings of an ensemble, and how they scatter from seed to seed."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import EvaluationSettings
from mscat_tf.data.events import balanced
from mscat_tf.evaluation.evaluate import selections
from mscat_tf.evaluation.metrics import Rejection, accuracy, rejection, weighted_auc
from mscat_tf.evaluation.scores import Scores
from mscat_tf.evaluation.spread import spread


def members_spread(scores: Scores, logits: NDArray[np.floating], settings: EvaluationSettings) -> dict[str, Any]:
    """For all backgrounds and each: spread of AUC and rejections over the members, on the same events.

    Args:
        scores: the events; their own logits are not looked at. logits: `(members, n)`. settings: working points, and
            how few effective background events make a rejection a lower limit.

    Returns:
        By selection, `auc`, and `rejection` by signal efficiency: a `Spread`, and for rejections `lower_limit`, the
        least of the members', and `quote_lower_limit`, whether too few background events pass in one of them.
    """
    found = {}
    for name, chosen in selections(scores, shuffled_labels=False).items():
        label = scores.label[chosen]
        weight = balanced(scores.weight[chosen], label)
        own = [logit[chosen] for logit in logits]
        found[name] = {
            "auc": asdict(spread([weighted_auc(logit, label, weight) for logit in own])),
            "rejection": {
                f"{efficiency:g}": _rejections([rejection(logit, label, weight, efficiency) for logit in own], settings)
                for efficiency in settings.signal_efficiencies
            },
        }
    return found


def _rejections(members: list[Rejection], settings: EvaluationSettings) -> dict[str, Any]:
    """Their spread, and the limit to quote instead where too few background events pass in one of them."""
    return {
        **asdict(spread([member.value for member in members])),
        "lower_limit": min(member.lower_limit for member in members),
        "quote_lower_limit": any(m.effective_background < settings.min_effective_background for m in members),
    }


def members_accuracy(scores: Scores, logits: NDArray[np.floating]) -> dict[str, Any]:
    """Spread over the members of the accuracy at a score of 0.5, under the events' own weights; as `members_spread`."""
    return asdict(spread([accuracy(logit, scores.label, scores.weight, threshold=0.0) for logit in logits]))
