"""What the queries and keys of an attention block are, from its name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

JETS = {1: "leading jet", 2: "subleading jet"}
_OF_JET = re.compile(r"(constituents|lund|subjets)_(\d+)_(.+)")
_OF_MODULES = re.compile(r"modules_cross_(\d+)")
_ORDINAL = re.compile(r"(?:(.*)_)?(block|cross)_(\d+)$")


@dataclass(frozen=True)
class Span:
    """Neighbouring tokens of one kind on an axis.

    Attributes:
        label: of the one token, or of the jet or stream that they belong to. count: how many. jet: whose constituents
            they are, from 1; None where they are something else.
    """

    label: str
    count: int
    jet: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For the script of the page."""
        return {"label": self.label, "count": self.count, "jet": self.jet}


def jet_label(jet: int, jets: int) -> str:
    """`leading jet`, or `jet 3` where there are more than two."""
    return JETS.get(jet, f"jet {jet}") if jets == 2 else f"jet {jet}"


def title(block: str, jets: int) -> str:
    """The name of a block in words.

    >>> title("cross_block_2", 2), title("constituents_1_block_2", 2), title("kinematics_pooled", 2)
    ('cross-attention, layer 2', 'constituents of the leading jet, layer 2', 'kinematics, pooled')
    >>> title("modules_cross_1", 2)
    'kinematics reading the modules, layer 1'
    """
    if match := _OF_JET.fullmatch(block):
        what = {"constituents": "constituents", "lund": "declusterings", "subjets": "subjets"}[match[1]]
        read = "constituents" if match[1] == "subjets" else "kinematics"
        return f"{what} of the {jet_label(int(match[2]), jets)}, {_layer(match[3], read)}"
    if match := _OF_MODULES.fullmatch(block):
        return f"kinematics reading the modules, layer {match[1]}"
    known = {"cross": "cross-attention", "joint": "all tokens together", "kinematics": "kinematics"}
    stream, _, rest = block.partition("_")
    return f"{known[stream]}, {_layer(rest)}" if stream in known and rest else block


def _layer(rest: str, read: str = "kinematics") -> str:
    if match := _ORDINAL.fullmatch(rest):
        return f"{f'reading the {read}, ' if match[2] == 'cross' else ''}layer {match[3]}"
    return rest.replace("_", " ")


def cross_first(blocks: Iterable[str]) -> list[str]:
    """Names in the order in which they are offered: what crosses scales before what stays within one."""
    return sorted(blocks, key=lambda block: (not block.startswith(("cross_", "joint_")), block))


def axes_of(
    block: str, queries: int, keys: int, tokens: Sequence[str], jets: int, constituents: int
) -> tuple[list[Span], list[Span]]:
    """What the queries and the keys are.

    Args:
        block: its name. queries, keys: how many. tokens: of the high scale. jets: of the sample. constituents: of each.
    """
    kinematic = [Span(token, 1) for token in tokens]
    if match := _OF_JET.fullmatch(block):
        jet = int(match[2]) if match[1] == "constituents" else None
        label = jet_label(int(match[2]), jets)
        if match[1] == "subjets" and match[3].startswith("cross_"):
            return [Span("subjets", queries)], [Span(label, keys, int(match[2]) if keys == constituents else None)]
        if match[3].startswith("cross_"):
            return [Span(label, queries, jet)], _or_plain(kinematic, keys)
        own = [Span(label, keys, jet)]
        if match[3] == "class":
            own = [Span("class token", 1), Span(label, keys - 1, jet)]
        return (own if queries == keys else [Span("learned query", queries)]), own
    if block.startswith("cross_"):
        return _or_plain(kinematic, queries), _clouds(keys, jets, constituents)
    if _OF_MODULES.fullmatch(block):
        each = keys // jets
        return _or_plain(kinematic, queries), [
            Span(f"modules of the {jet_label(jet, jets)}", each) for jet in range(1, jets + 1)
        ]
    if block.startswith("joint_"):
        every = [*_clouds(keys - len(tokens), jets, constituents), *kinematic]
        return every, every
    asking = _or_plain(kinematic, queries) if queries == keys else [Span("learned query", queries)]
    return asking, _or_plain(kinematic, keys)


def _or_plain(spans: list[Span], count: int) -> list[Span]:
    return spans if len(spans) == count else [Span("token", count)]


def _clouds(keys: int, jets: int, constituents: int) -> list[Span]:
    """Constituents of one jet after another, and other streams after them; or of all jets added token by token.

    Fewer keys than a jet has constituents are the subjets of `mixer`.
    """
    if keys < constituents:
        return [Span("subjets", keys)]
    if not constituents or keys < jets * constituents:
        return [Span("sum of jets", keys)]
    rest = keys - jets * constituents
    own = [Span(jet_label(jet, jets), constituents, jet) for jet in range(1, jets + 1)]
    return own + ([Span("other tokens", rest)] if rest else [])
