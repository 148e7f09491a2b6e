"""Everything that a validation found as plain numbers: `validation.json`, and what the page is written from."""

import math
from dataclasses import asdict
from typing import Any

import mscat_tf
from mscat_tf.data.sample import Sample
from mscat_tf.validation.compare import Comparison
from mscat_tf.validation.histograms import Distributions, Histogram
from mscat_tf.validation.result import CheckResult

Report = dict[str, Any]


def report_of(sample: Sample, name: str, checks: list[CheckResult], found: Distributions) -> Report:
    """Numbers of one sample; `reference` and `comparisons` are for `add_reference`."""
    header = sample.header
    return {
        "name": name,
        "path": str(sample.path),
        "events": len(sample),
        "checks": [asdict(check) for check in checks],
        "processes": _processes(sample, found),
        "cut_flow": sample.cut_flow,
        "left_out": found.left_out,
        "distributions": {key: _distribution(h, found.processes) for key, h in found.histograms.items()},
        "reference": None,
        "comparisons": [],
        "seed": header.seed,
        "digest": header.digest,
        "versions": header.versions,
        "validated_with": mscat_tf.__version__,
        "configuration": sample.configuration,
    }


def add_reference(report: Report, reference: Sample, comparisons: list[Comparison], shared_events: int) -> None:
    """Note the other sample, what its p-values mean, and what makes them void."""
    remarks = [
        f"{len(comparisons)} comparisons of shapes; the least of so many p-values is expected near "
        f"{1.0 / max(len(comparisons), 1):.2g}. Those of one process are not independent of each other."
    ]
    if comparisons:
        p = comparisons[0].p
        least = -math.expm1(len(comparisons) * math.log1p(-p)) if p < 1.0 else 1.0  # 1 - (1 - p)^n, tiny p told from 0
        remarks.append(f"Chance of one at least as small as the least here, were they independent: {least:.2g}.")
    if shared_events:
        remarks.append(
            f"{shared_events} events have the same kinematics as one of the reference: the samples are not "
            "independent, and the p-values too large."
        )
    report["comparisons"] = [asdict(comparison) for comparison in comparisons]
    report["reference"] = {
        "path": str(reference.path),
        "events": len(reference),
        "digest": reference.header.digest,
        "shared_events": shared_events,
        "remarks": remarks,
    }


def _processes(sample: Sample, found: Distributions) -> dict[str, dict[str, Any]]:
    entries = {}
    for index, (name, label) in enumerate(zip(sample.header.processes, sample.header.labels, strict=True)):
        if name not in sample.normalisation:
            continue
        norm, weight = sample.normalisation[name], float(found.images.weights[index])
        entries[name] = {
            "label": label,
            "events": int(found.events[index]),
            "effective_events": weight**2 / max(float(found.images.squares[index]), 1e-300),
            "generated_events": norm.generated_events,
            "cross_section_fb": norm.cross_section_fb,
            "cross_section_error_fb": norm.cross_section_error_fb,
            "selected_fb": norm.cross_section_fb * weight / norm.sum_of_weights if norm.sum_of_weights else 0.0,
        }
    return entries


def _distribution(histogram: Histogram, processes: tuple[str, ...]) -> dict[str, Any]:
    quantity = histogram.quantity
    own = {}
    for index, name in enumerate(processes):
        entries = histogram.entries[index]
        if not entries.any():
            continue
        filled = histogram.of(index)
        own[name] = {
            "entries": int(entries.sum()),
            "underflow": int(entries[0]),
            "overflow": int(entries[-1]),
            "sum": float(histogram.sums[index].sum()),
            "values": filled.values(flow=True).tolist(),
            "variances": filled.variances(flow=True).tolist(),
        }
    weight = "generator x tag" if quantity.tagged else "generator"
    return {"symbol": quantity.symbol, "weight": weight, "edges": list(quantity.edges), "processes": own}
