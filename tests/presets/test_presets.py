"""Presets answer as when they were made, hold what they should and no more, and are refused when damaged."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import mscat_tf
from mscat_tf.cli import presets as presets_command
from mscat_tf.config import load_config
from mscat_tf.data import Sample
from mscat_tf.errors import InputError, OutputError
from mscat_tf.presets import library
from mscat_tf.presets.card_text import card_text
from mscat_tf.presets.library import CARD, Preset, load_preset, presets
from mscat_tf.presets.writing import write_preset
from tests.cli.conftest import mscat  # noqa: F401  a fixture
from tests.cli.test_errors import check_sentence
from tests.data_prep.toy_samples import write_toy_sample

NAMES = ("mixer-small", "mscat-small")
LARGEST = 3_000_000

each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def damaged(tmp_path, monkeypatch):
    """A copy of what ships, in place of it."""
    for name in NAMES:
        shutil.copytree(library.SHIPPED / name, tmp_path / "shipped" / name)
    monkeypatch.setattr(library, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


def test_both_ship():
    assert tuple(presets()) == NAMES


@each
def test_answers_are_those_recorded(name):
    preset = mscat_tf.load_preset(name)
    assert preset.card["reference"]["events"] == 16
    assert preset.difference() < 1e-5
    with np.load(preset.path / library.REFERENCE, allow_pickle=False) as file:
        moved = {key: file[key] + (file[key].dtype != bool) for key in file.files}
    assert np.abs(preset.predict(moved) - preset.card["reference"]["scores"]).max() > 1e-3  # the check can fail


@each
def test_small_and_without_optimizer_or_pickle(name):
    preset = load_preset(name)
    assert preset.size == sum(file.stat().st_size for file in preset.path.rglob("*") if file.is_file()) < LARGEST
    assert {file.name for file in preset.path.iterdir()} == {*preset.card["files"], CARD}
    with zipfile.ZipFile(preset.model_file) as archive:
        assert set(archive.namelist()) == {"metadata.json", "config.json", "model.weights.h5"}
        network = json.loads(archive.read("config.json"))
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
            assert "optimizer" not in weights
            arrays = []
            weights.visititems(lambda _, item: arrays.append(item.size) if isinstance(item, h5py.Dataset) else None)
    assert not network.get("compile_config")
    assert "Lambda" not in json.dumps(network)
    assert sum(arrays) < 1.05 * preset.card["parameters"]


@each
def test_card_is_what_was_measured(name):
    preset = load_preset(name)
    metrics = json.loads((preset.path / "metrics.json").read_text())
    for background in ("all backgrounds", "4b", "ttbar"):
        of = preset.card["against"][background]
        assert (of["auc"], of["auc_error"]) == (
            metrics[background]["auc"]["value"],
            metrics[background]["auc"]["error"],
        )
        assert f"{of['auc']:.4f} ± {of['auc_error']:.4f}" in preset.text
    assert preset.text == card_text(preset.card)
    for heading in ("Intended use", "Data", "Metrics", "Limits"):
        assert f"\n## {heading}\n" in preset.text


@each
def test_recorded_configuration_is_the_one_that_ships(name):
    preset, config = load_preset(name), load_config(f"presets/{name}")
    assert preset.config.decisive_digest == config.decisive_digest == preset.card["configuration_digest"]
    assert preset.card["command"] == f"mscat make-preset presets/{name} --out mscat_tf/presets"


@pytest.mark.parametrize("file", ["model.keras", "config.yaml", "metrics.json", "MODEL_CARD.md"])
def test_changed_file_is_refused(damaged, mscat, file):  # noqa: F811
    path = damaged / "mscat-small" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    check_sentence(mscat("presets", "mscat-small"), str(path), "SHA-256 differs", "install mscat-tf again")


def test_missing_file_and_unreadable_card_are_refused(damaged, mscat):  # noqa: F811
    (damaged / "mscat-small" / "training.json").unlink()
    check_sentence(mscat("presets"), "training.json: not there")
    (damaged / "mixer-small" / CARD).write_text("[]")
    check_sentence(mscat("presets", "mixer-small"), f"{CARD}: not a readable model card")


def test_unknown_name_suggests_the_nearest(mscat):  # noqa: F811
    check_sentence(mscat("predict", "--preset", "mscat-smal", "x.h5"), "did you mean 'mscat-small'?")
    check_sentence(mscat("predict", "--preset", "mscat-small"), "name a network and events")
    check_sentence(mscat("predict", "runs/x"), "name a network and events")
    check_sentence(mscat("export"), "name the folder of a run or a preset")
    check_sentence(mscat("presets", "--check"), "which one?")


def test_predicts_samples_without_subjets_too(mscat, tmp_path):  # noqa: F811
    """The mixer reads subjets: they are found first, and the scores are those of the sample prepared by hand."""
    toy = write_toy_sample(tmp_path / "toy", events=(12,))
    status, said, complaint = mscat("predict", "--preset", "mixer-small", toy)
    assert (status, "they are found now" in said) == (0, True), complaint
    status, _, complaint = mscat("prepare", "presets/mixer-small", "--set", f"data.path={toy}")
    assert status == 0, complaint
    (prepared,) = tmp_path.glob("toy-prepared-*")
    with Sample(toy) as sample, h5py.File("scores-toy.h5") as file:
        np.testing.assert_array_equal(file["event_id"][()], sample.column("event_id"))
        np.testing.assert_allclose(file["score"][()], load_preset("mixer-small").predict(prepared), atol=1e-6)
        assert file.attrs["run"] == "preset mixer-small"
    assert not list(tmp_path.glob(".part-*"))


def test_copy_is_a_run_of_ones_own(mscat, tmp_path):  # noqa: F811
    status, _, complaint = mscat("presets", "mscat-small", "--copy", "runs/mine")
    assert status == 0, complaint
    run = mscat_tf.load_run(tmp_path / "runs" / "mine").need_finished()
    assert run.origin["weights"] == load_preset("mscat-small").origin["weights"]
    check_sentence(mscat("presets", "mscat-small", "--copy", "runs/mine"), "runs/mine: is there already")


def test_a_preset_is_not_written_into(tmp_path):
    preset = load_preset("mscat-small")
    before = sorted(preset.path.iterdir())
    for write in (preset.explain, preset.report, lambda: preset.scorer("onnx")):
        with pytest.raises(InputError, match="mscat-small"):
            write()
    assert sorted(preset.path.iterdir()) == before
    (tmp_path / "mscat-small").mkdir()
    with pytest.raises(OutputError, match="is there and is no preset"):
        write_preset(preset, "command", tmp_path)


def test_preset_of_another_folder(tmp_path):
    shutil.copytree(library.SHIPPED / "mscat-small", tmp_path / "other")
    assert Preset(tmp_path / "other").name == "other"


def test_a_preset_has_the_figures_of_its_own_settings(monkeypatch):
    """An evaluation that is there is taken only if it was made with the same settings."""
    asked = []
    run = load_preset(NAMES[0])
    monkeypatch.setattr(presets_command, "simulate_and_prepare", lambda _: None)
    monkeypatch.setattr(presets_command.stages, "train", lambda _: run)
    monkeypatch.setattr(presets_command.stages, "evaluate", lambda _, config: asked.append(config.evaluate))
    monkeypatch.setattr("mscat_tf.presets.writing.write_preset", lambda run, *_: run)
    settings = run.metrics["settings"]
    alike = [f"evaluate.{name}={value}" for name, value in settings.items()]
    presets_command.make("smoke", alike, Path("x"))
    assert asked == []
    presets_command.make("smoke", [*alike, "evaluate.luminosity_fb=77"], Path("x"))
    assert [each.luminosity_fb for each in asked] == [77]
