"""The coffea example of docs/analysis.md on real Delphes; tests/docs runs the other blocks of the page."""

import shutil

import pytest

pytest.importorskip("coffea", reason="coffea is not installed: pip install 'mscat-tf[analysis]'")

from tests.docs.blocks import blocks_of


@pytest.mark.external
def test_processor_of_the_page(reference_data, onnx_file, tmp_path, monkeypatch):
    """Its worker is a process of its own. 273 of the 300 events have two fat jets."""
    (block,) = (block for block in blocks_of("docs/analysis.md") if "ProcessorABC" in block.text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signal.root").symlink_to(reference_data / "delphes" / "signal.root")
    shutil.copy(onnx_file, "model.onnx")
    text = "import awkward as ak\n" + block.text.replace("runs/demo-mscat", "model.onnx")
    names = {"__name__": "__main__"}
    exec(compile(text, str(block), "exec"), names)
    assert names["histograms"]["signal"].sum(flow=True) == 273
