"""Numbers of the explanation: how concentrated heads are, whether maps depend on the network, what inputs are worth."""

from collections.abc import Callable
from typing import Any

from mscat_tf.report.material import Material
from mscat_tf.report.section import Part, Section, Text
from mscat_tf.report.sections.head_numbers import head_numbers
from mscat_tf.report.sections.input_numbers import completeness, importance, mean_absolute
from mscat_tf.report.sections.trust_numbers import insertion_deletion, randomisation

STUDIES: dict[str, tuple[str, Callable[[dict[str, Any]], list[Part]]]] = {
    "attention": ("concentration of the heads", head_numbers),
    "randomisation": ("randomisation of the weights", randomisation),
    "insertion_deletion": ("insertion and deletion of constituents", insertion_deletion),
    "importance": ("permutation importance", importance),
}


def explanation_section(material: Material) -> Section:
    """Tables and figures of `explanation.json`."""
    numbers, explained = material.explained.numbers, material.explained
    heading = "Numbers of the explanation"
    if not numbers:
        missing = f"No numbers of an explanation of this run. {explained.how}"
        return Section("explanation", heading, [Text(missing, missing=True)])
    parts: list[Part] = []
    absent = []
    for name, (words, make) in STUDIES.items():
        found = numbers.get(name)
        if not found:
            absent.append(words)
        elif "refused" in found:
            parts.append(Text(f"No {words}: {found['refused']}."))
        else:
            parts += make(numbers)
    if gradients := numbers.get("integrated_gradients"):
        tokens, features = numbers.get("tokens", []), material.first.config.data.kinematic_features
        parts += [*completeness(gradients), *mean_absolute(gradients, tokens, features)]
    if absent:
        again = f"`mscat explain {material.first.path}`"
        parts.append(
            Text(f"Not in this run: {', '.join(absent)}. {again} measures what the network allows.", missing=True)
        )
    return Section("explanation", heading, parts)
