"""What TensorFlow's profiler wrote, summed by kind of operation."""

from collections import Counter
from pathlib import Path

_HOST, _ACCELERATOR = "/host:CPU", "/device:"


def operation_shares(path: Path, kinds: int = 12) -> dict[str, float]:
    """Share of the time of all operations on the CPU that each kind takes, the longest `kinds` of them.

    Empty for a trace with a GPU, whose operations the CPU only starts (TensorBoard shows them), and where TensorFlow
    does not bring the description of the format.

    Args:
        path: `*.xplane.pb`. kinds: how many to keep; the others are `others`.
    """
    try:
        from tensorflow.tsl.profiler.protobuf import xplane_pb2
    except ImportError:
        return {}
    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    if any(plane.name.startswith(_ACCELERATOR) for plane in space.planes):
        return {}
    spent: Counter[str] = Counter()
    for plane in (plane for plane in space.planes if plane.name == _HOST):
        kind_of = {number: _kind(entry.name) for number, entry in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                spent[kind_of[event.metadata_id]] += event.duration_ps
    del spent[""]
    total = sum(spent.values())
    shares = {kind: time / total for kind, time in spent.most_common(kinds)}
    return shares | ({"others": 1.0 - sum(shares.values())} if len(spent) > kinds else {})


def _kind(event: str) -> str:
    """`MatMul` of `a/b/MatMul_1:_MklMatMul`; empty for events that are no operations, such as `FunctionRun`."""
    name, colon, kind = event.rpartition(":")
    if not colon or name.endswith(":") or " " in name or not kind.isidentifier():
        return ""
    return kind.removeprefix("_").removeprefix("Mkl")
