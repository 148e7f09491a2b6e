"""The section of the report, and the figure, about the alignment of layers."""

import numpy as np
import pytest

from mscat_tf.errors import InputError
from mscat_tf.evaluation.style import save
from mscat_tf.files import make_folder, write_json
from mscat_tf.interpretation.cka_figure import draw_cka
from mscat_tf.interpretation.cka_file import comparisons, most_alike
from mscat_tf.interpretation.figures import figure_of
from mscat_tf.report.html import section_html
from mscat_tf.report.material import Material
from mscat_tf.report.section import Figure
from mscat_tf.report.sections.similarity import similarity_section
from tests.report.mock_run import trained, write_sample

LINEAR = [[0.91, 0.3, 0.2], [0.1, None, 0.456]]
RBF = [[0.8, 0.3, 0.2], [0.1, None, 0.5]]


def comparison(other="b & <c>"):
    errors = [[0.01, 0.02, 0.03], [0.01, None, 0.004]]
    return {
        "runs": [{"name": "a", "layers": ["event", "logit"]}, {"name": other, "layers": ["event", "head_1", "logit"]}],
        "events": 2470, "batches": 10, "batch_size": 247, "constant": [[], ["head_1"]],
        "linear": {"value": LINEAR, "error": errors}, "rbf": {"value": RBF, "error": errors},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("similarity")
    return trained(folder / "a", write_sample(folder / "sample"))


def test_section_shows_every_comparison_and_the_way_to_make_one(run):
    missing = similarity_section(Material((run,), 0))
    assert f"`mscat explain {run.path} --cka [OTHER_RUN]` makes it" in missing.parts[0].text
    folder = make_folder(run.path / "cka")
    for name in ("a", "b & <c>"):
        write_json(folder / f"{name}.json", comparison(name))
    section = similarity_section(Material((run,), 0))
    figure = next(part for part in section.parts if isinstance(part, Figure))
    assert set(figure.data["variants"]) == {"0|linear", "0|rbf", "1|linear", "1|rbf"}
    assert figure.choices[0].options[0] == ("0", "a with itself")
    drawn = figure.data["variants"]["1|linear"]
    assert drawn["traces"][0]["z"] == LINEAR
    assert drawn["traces"][0]["x"] == ["event", "head 1", "logit"]
    assert drawn["layout"]["xaxis"]["title"]["text"] == "layers of b &amp; &lt;c&gt;"
    assert ["a with b & <c>", "logit", "logit", "0.4560 ± 0.0040", "0.5000 ± 0.0040"] in figure.numbers.rows
    assert "hence left out: head_1" in section.parts[0].text
    assert "<c>" not in section_html(section)
    (folder / "a.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.json: cannot be read .*delete it and run `mscat explain --cka` again"):
        comparisons(run.path)


def test_most_alike_is_another_layer():
    found = comparison()
    assert (most_alike(found, 0), most_alike(found, 1), most_alike(found, 1, "rbf")) == (1, 0, 0)
    found["linear"]["value"] = [[0.9, None, None], [None] * 3]
    assert most_alike(found, 0) is None


def test_figure_has_a_map_for_each_kernel(tmp_path):
    axes = draw_cka(comparison())
    assert axes.shape == (1, 2)
    np.testing.assert_array_equal(np.ma.filled(axes[0, 0].images[0].get_array(), np.nan), np.array(LINEAR, float))
    assert [text.get_text() for text in axes[0, 0].texts] == ["0.91", "0.30", "0.20", "0.10", "0.46"]
    assert [label.get_text() for label in axes[0, 1].get_xticklabels()] == ["event", "head 1", "logit"]
    assert save(figure_of(axes), tmp_path, "cka").is_file()
