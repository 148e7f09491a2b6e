"""What the first run is, in one table."""

from mscat_tf.number_text import rejection_text, with_error
from mscat_tf.report.material import Material, is_evaluated
from mscat_tf.report.numbers import duration, grouped
from mscat_tf.report.section import Part, Section, Table, Text
from mscat_tf.run_folder import sample_path
from mscat_tf.run_metrics import ALL


def overview_section(material: Material) -> Section:
    """Network, sample, how well it separates, what it costs."""
    run, training = material.first, material.first.training
    rows = [
        ["Network", run.config.model.name],
        ["Sample", str(sample_path(run.config))],
        ["Parameters", grouped(training["parameters"])],
        ["Seed", str(run.config.seed)],
        ["Best epoch", f"{training['best_epoch']} of {training['epochs_trained']}"],
        ["Training time", duration(training["seconds"])],
    ]
    if run.repeated:
        rows[3] = ["Seeds", ", ".join(str(member.config.seed) for member in run.members)]
    parts: list[Part] = []
    if is_evaluated(run):
        rows = [*_quality(run.metrics), *rows]
    else:
        parts.append(Text(f"This run is not evaluated: `mscat evaluate {run.path}` measures it.", missing=True))
    parts.insert(0, Table("The run in short", ["", material.names[0]], rows, words=True))
    return Section("overview", "Overview", parts)


def _quality(metrics: dict[str, object]) -> list[list[str]]:
    entry = metrics[ALL]
    assert isinstance(entry, dict)
    auc, rejections = entry["auc"], entry["rejection"]
    middle = min(rejections, key=lambda efficiency: abs(float(efficiency) - 0.5))
    return [
        ["AUC (test events)", with_error(auc["value"], auc["error"])],
        [f"Background rejection at {float(middle):.0%} signal efficiency", rejection_text(rejections[middle])],
        ["Test events", grouped(int(str(metrics["events"])))],
    ]
