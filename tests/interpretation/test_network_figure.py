"""Layout of the drawing of a network: nothing overlaps, and every arrow is there."""

from itertools import pairwise

import numpy as np

from mscat_tf.interpretation.network_figure import BOX_WIDTH, _layout, draw_network
from mscat_tf.models.graph import boxes
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, tiny


def test_boxes_and_arrows_keep_apart():
    found = boxes(build(tiny("mscat_swapped", cross_blocks=2), SIZES))
    layout = _layout(found)
    x = layout.columns()
    for row in range(max(layout.rows) + 1):
        members = sorted(
            (x[p] - layout.widths[p] / 2, x[p] + layout.widths[p] / 2)
            for p in np.flatnonzero(np.equal(layout.rows, row))
        )
        for (_, right), (left, _) in pairwise(members):
            assert left > right - 1e-9
    assert set(layout.paths) == {(source, place) for place, box in enumerate(found) for source in box.sources}
    assert max(x) < 5 * BOX_WIDTH


def test_drawing_is_written(tmp_path):
    path = draw_network(build(tiny("kinematics_mlp"), SIZES), tmp_path, "kinematics_mlp")
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert path.with_suffix(".pdf").stat().st_size > 1000
