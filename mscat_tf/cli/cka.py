"""`mscat explain RUN --cka [OTHER_RUN]`: the comparison of layers, printed."""

from pathlib import Path
from typing import Any

from mscat_tf.cli.console import Reporter, out, table
from mscat_tf.cli.stages import start_tensorflow
from mscat_tf.config import Config
from mscat_tf.errors import ConfigError
from mscat_tf.interpretation.cka_file import most_alike
from mscat_tf.number_text import with_error
from mscat_tf.run_folder import Run, load_run


def align(run: Run, config: Config, other: Path | None, layers: tuple[str, ...], tokens: str, asked: bool) -> None:
    """Compare, write, print for each layer of the first run which one of the second is most like it.

    Args:
        asked: whether `--cka` was given, without which nothing of this makes sense.
    """
    if not asked:
        raise ConfigError("a second run and --layer go with --cka: mscat explain RUN --cka [OTHER_RUN]")
    start_tensorflow()
    from mscat_tf.interpretation.cka_run import CkaSettings, cka

    settings = CkaSettings(config.explain.events, config.explain.batch_size, layers, tokens)
    with Reporter("comparing layers", 1, "batches") as reporter:
        found = cka(run, load_run(other) if other else None, settings, reporter.show)
    _print(found)


def _print(found: dict[str, Any]) -> None:
    first, second = found["runs"]
    title = f"linear CKA, {found['events']} test events in {found['batches']} batches of {found['batch_size']}"
    same = "same layer" if first["name"] != second["name"] else "itself"
    rows = [_row(found, place) for place in range(len(first["layers"]))]
    table(title, [f"layer of {first['name']}", same, f"most like it in {second['name']}", "CKA"], rows)
    for run, constant in zip((first, second), found["constant"], strict=True):
        if constant:
            names = ", ".join(constant)
            out.print(f"{run['name']}: {names} says the same of all events, so its CKA is 0/0", soft_wrap=True)
    for path in (found["file"], *found["figures"]):
        out.print(f"written: {path}", soft_wrap=True)


def _row(found: dict[str, Any], place: int) -> list[str]:
    first, second = found["runs"]
    values, errors = (found["linear"][what][place] for what in ("value", "error"))
    name, others = first["layers"][place], second["layers"]
    own = with_error(values[others.index(name)], errors[others.index(name)]) if name in others else ""
    best = most_alike(found, place)
    if best is None:
        return [name, own, "", ""]
    return [name, own, others[best], with_error(values[best], errors[best])]
