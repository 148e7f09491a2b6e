"""How well boosted trees separate signal from background under each preparation of one sample, with and without theta.

A check of `mscat reproduce audit` that needs no network and takes minutes: what a preparation lets the tokens know
shows in a few sums over them. Kinematics are those of jets and sum; the substructure of a jet is here its multiplicity,
the pT-weighted |x|, |y|, x^2, y^2, x^3, y^3, x y of its kept constituents, their plain mean |x| and |y|, and sum(z^2).

Command: python -m experiments.preparation_with_trees data/demo data/demo-prepared-*
Prints: AUC over all events, each scored by trees that saw other parton-level events (five parts); every event counts
alike. The error of a difference is that of the paired bootstrap over parton-level events.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from mscat_tf.cli.console import out
from mscat_tf.config.preparation import Preparation
from mscat_tf.data import Sample
from mscat_tf.evaluation.bootstrap import bootstrap
from mscat_tf.evaluation.metrics import RankedScores
from mscat_tf.schema import KINEMATIC_COLUMNS, MANIFEST

PARTS, REPLICAS, SEED = 5, 200, 1
THETA = KINEMATIC_COLUMNS.index("theta")
COLUMNS = ("kinematics", "constituents", "constituents_mask", "label", "group_id")


def substructure(cloud, mask):
    """`(n, J * 11)` sums over the constituents `(n, J, P, 4)` of each jet."""
    pt = np.where(mask, cloud[..., 2], 0.0)
    share = pt / np.maximum(pt.sum(axis=-1, keepdims=True), 1e-9)
    number = np.maximum(mask.sum(axis=-1), 1)
    sums = [mask.sum(axis=-1), (share**2).sum(axis=-1), (share * cloud[..., 0] * cloud[..., 1]).sum(axis=-1)]
    for axis in (cloud[..., 0], cloud[..., 1]):
        sums += [(share * moment).sum(axis=-1) for moment in (np.abs(axis), axis**2, axis**3)]
        sums.append((mask * np.abs(axis)).sum(axis=-1) / number)
    return np.concatenate(sums, axis=-1)


def scores(features, label, part):
    """Of every event, by trees that did not see its part."""
    found = np.empty(len(label))
    for number in range(PARTS):
        trees = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=15, early_stopping=False, random_state=SEED)
        own = part == number
        found[own] = trees.fit(features[~own], label[~own]).decision_function(features[own])
    return found


def compare(first, second, label, group):
    """AUC of two scores, their difference and its error."""
    one, other = RankedScores(first, label), RankedScores(second, label)
    weight = np.ones(len(label))

    def difference(resampled):
        return one.roc(resampled).auc - other.roc(resampled).auc

    error = bootstrap(difference, weight, group, label, REPLICAS, SEED).error
    return one.roc(weight).auc, other.roc(weight).auc, error


def measure(folder):
    """Lines of the table for one sample."""
    with Sample(folder) as sample:
        data = {name: sample.column(name) for name in COLUMNS}
    label, group = data["label"], data["group_id"]
    part = np.random.default_rng(SEED).permutation(PARTS)[np.unique(group, return_inverse=True)[1] % PARTS]
    tokens = data["kinematics"].astype(np.float64)
    plain = np.delete(tokens, THETA, axis=-1).reshape(len(label), -1)
    angles, low = tokens[:, :-1, THETA], substructure(data["constituents"], data["constituents_mask"])
    for name, below in (("kinematics", []), ("both", [low])):
        with_theta, without = (np.column_stack([plain, *extra, *below]) for extra in ([angles], []))
        one, other, error = compare(*(scores(x, label, part) for x in (with_theta, without)), label, group)
        yield name, other, one, one - other, error


def title(folder):
    """What departs, from the manifest."""
    made = json.loads((Path(folder) / MANIFEST).read_text()).get("preparation")
    if made is None:
        return "as it is"
    return ", ".join(f"{name} {value}" for name, value in Preparation(**made).model_dump(exclude_defaults=True).items())


def main():
    """Print the table, row by row."""
    _print("preparation", "inputs", "AUC without theta", "with theta", "difference")
    _print(*["---"] * 5)
    for path in sys.argv[1:]:
        for name, without, with_theta, difference, error in measure(path):
            _print(title(path), name, f"{without:.4f}", f"{with_theta:.4f}", f"{difference:+.4f} ± {error:.4f}")


def _print(*cells):
    out.print(f"| {' | '.join(cells)} |", soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
