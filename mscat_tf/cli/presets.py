"""`mscat presets` and `mscat make-preset`: networks that ship trained, and how they are made."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from mscat_tf.cli import stages
from mscat_tf.cli.console import out, table
from mscat_tf.cli.preparing import simulate_and_prepare
from mscat_tf.errors import ConfigError
from mscat_tf.presets.library import load_preset, presets
from mscat_tf.run_metrics import ALL


def show(name: str | None, copy: Path | None, check: bool) -> None:
    """Print a table of the presets, or the model card of one; or copy one, or compare its answers with those recorded.

    Raises:
        ConfigError: there is none of this name, or none was given where one is needed.
        InputError: its files are damaged. OutputError: the copy cannot be written.
    """
    if name is None:
        if copy or check:
            raise ConfigError(f"mscat presets: which one? name it first, for example `mscat presets {presets()[0]}`")
        _list()
        return
    preset = load_preset(name)
    if copy:
        out.print(f"{preset.copy_to(copy).path}: preset {name} as a run of your own", soft_wrap=True)
    if check:
        stages.start_tensorflow()
        events, differ = preset.card["reference"]["events"], preset.difference()
        out.print(f"preset {name}: scores of {events} events differ by at most {differ:.1g} from those recorded")
    if not copy and not check:
        out.print(preset.text, soft_wrap=True)


def _list() -> None:
    rows = []
    for name in presets():
        preset = load_preset(name)
        card = preset.card
        auc = card["against"][ALL]["auc_text"]
        rows.append([name, card["network"], card["parameters"], auc, f"{preset.size / 1e6:.2f}"])
    columns = ["name", "network", "parameters", "AUC (test)", "MB"]
    table("presets; `mscat presets NAME` shows the model card", columns, rows)


def make(source: str, overrides: Sequence[str], folder: Path) -> None:
    """Generate, prepare, train and evaluate what is not done yet, and write the preset."""
    from mscat_tf.cli.pipeline import evaluated_alike
    from mscat_tf.presets.writing import write_preset

    config = stages.resolve(source, overrides)
    simulate_and_prepare(config)
    run = stages.train(config)
    if not evaluated_alike(run, config):
        stages.evaluate(run, config)
    settings = [part for override in overrides for part in ("--set", override)]
    command = shlex.join(["mscat", "make-preset", source, *settings, "--out", str(folder)])
    preset = write_preset(run, command, folder)
    out.print(
        f"{preset.path}: {preset.size / 1e6:.2f} MB, AUC (test) {preset.card['against'][ALL]['auc_text']}",
        soft_wrap=True,
    )
