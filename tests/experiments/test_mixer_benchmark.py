"""The benchmark of the mixer: that it runs, and how it adds up an epoch."""

import json

import numpy as np

from experiments.benchmarks import mixer


def test_a_quick_run_writes_its_figures(tmp_path, capsys):
    out = tmp_path / "mixer.json"
    mixer.main(["--quick", "--rounds", "1", "--jets", "1000", "--out", str(out)])
    report = json.loads(out.read_text())["figures"]
    assert all(figure["value"] > 0 for figure in report)
    found = {figure["what"]: figure["value"] for figure in report}
    whats = ("s for an epoch of 1000 jets", "jets per second in training")
    epoch, rate = (found[f"{what}: mixer, batch 8"] for what in whats)
    assert np.isclose(epoch * rate, 1000)
    assert "times fewer operations" in capsys.readouterr().out


def test_classes_hold_every_jet_whole():
    jets = mixer.made_up_jets(200, 100)
    classes = mixer.by_length(jets, 4)
    assert np.isclose(sum(share for _, share in classes), 1)
    assert sum(cut["mask_1"].sum() for cut, _ in classes) == jets["mask_1"].sum()
    assert [cut["mask_1"].shape[1] for cut, _ in classes] == [25, 50, 75, 100]
