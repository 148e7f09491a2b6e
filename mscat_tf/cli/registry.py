"""`mscat models`: every network with its size and cost, or the layers of one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mscat_tf.cli.console import Reporter, out, table
from mscat_tf.cli.stages import start_tensorflow
from mscat_tf.config import ModelSettings
from mscat_tf.config.load import section_alone
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES


def show(name: str | None, overrides: Sequence[str], figures: Path | None = None) -> None:
    """Print the registry, or one network.

    Args:
        name: of the one network; None prints a table of all. overrides: `model.key=value`.
        figures: folder for drawings of what is printed; None draws nothing.

    Raises:
        ConfigError: unknown name or setting.
    """
    start_tensorflow()
    if name is None:
        _show_all(overrides, figures)
    else:
        _show_one(model_settings(name, overrides), figures)


def model_settings(name: str, overrides: Sequence[str]) -> ModelSettings:
    """Default settings of a network with `model.key=value` applied."""
    return section_alone(ModelSettings, "model", overrides, "decide the size of a network", {"name": name})


def _show_all(overrides: Sequence[str], figures: Path | None) -> None:
    from mscat_tf.models import boosted_trees, count, registry

    rows: list[list[Any]] = []
    with Reporter("building", len(registry.MODELS), "networks") as reporter:
        for name, entry in registry.MODELS.items():
            model = count.model_at_default_size(model_settings(name, overrides))
            cost = count.cost_per_event(model)
            size = [count.parameters(model), f"{cost.flops / 1e6:.1f}", f"{cost.activation_bytes / 1e6:.2f}"]
            rows.append([name, *size, entry.summary, entry.reference])
            _draw(model, figures)
            reporter.update(len(rows), name)
    trees = model_settings(BOOSTED_TREES, overrides).boosted_trees
    leaves = f"<= {trees.iterations * trees.max_leaves}"
    rows.append([BOOSTED_TREES, leaves, "-", "-", boosted_trees.SUMMARY, boosted_trees.REFERENCE])
    columns = ["name", "parameters", "MFLOP", "MB", "what it is", "reference"]
    table("networks; operations and activations per event (of trees: values of the leaves)", columns, rows)


def _show_one(settings: ModelSettings, figures: Path | None) -> None:
    from mscat_tf.models import count, graph

    model = count.model_at_default_size(settings)
    rows = [
        [box.name, box.kind, " x ".join(map(str, box.shape)), "again" if box.again else box.weights or ""]
        for box in graph.boxes(model)
    ]
    table(settings.name, ["layer", "kind", "shape that leaves it", "parameters"], rows)
    cost = count.cost_per_event(model)
    out.print(
        f"{count.parameters(model)} parameters; per event {cost.flops / 1e6:.1f} MFLOP and "
        f"{cost.activation_bytes / 1e6:.2f} MB of activations",
        soft_wrap=True,
    )
    _draw(model, figures)


def _draw(model: Any, folder: Path | None) -> None:
    if folder is not None:
        from mscat_tf.interpretation.network_figure import draw_network

        out.print(f"figure: {draw_network(model, folder, model.name)}", soft_wrap=True)
