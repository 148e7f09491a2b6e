"""`mscat prepare`, and samples derived when another command needs them."""

from mscat_tf.cli import stages
from mscat_tf.cli.console import Reporter, out
from mscat_tf.config import Config
from mscat_tf.run_folder import sample_path, source_path
from mscat_tf.schema import MANIFEST


def prepare(config: Config, workers: int | None = None) -> None:
    """Derive the sample that `data.preparation` asks for from its source; say so where it asks for nothing."""
    settings, source = config.data.preparation, source_path(config)
    if not settings.departs:
        as_made = "data.preparation departs in nothing from how the sample was made; nothing to do"
        out.print(f"{source}: {as_made}", soft_wrap=True)
        return
    maker = stages.find("data_prep.prepare", "generate")
    with Reporter("preparing", 0, "events") as reporter:
        summary = maker.prepare(source, settings, sample_path(config), reporter.show, workers)
    lost = f", {summary.dropped} fail the selection now" if settings.varies_detector else ""
    out.print(
        f"sample: {sample_path(config)}, {summary.events} events{lost}; {summary.made} files made now, {summary.kept} "
        "were there",
        soft_wrap=True,
    )


def prepare_if_asked(config: Config, workers: int | None = None) -> None:
    """Derive the sample unless the configuration reads it as it was made."""
    if config.data.preparation.departs:
        prepare(config, workers)


def simulate_and_prepare(config: Config, workers: int | None = None) -> None:
    """Generate the sample unless it is there or somebody else's (`data.path`), and derive from it what is asked for."""
    if config.data.path is None and not (source_path(config) / MANIFEST).is_file():
        stages.generate(config, workers)
    prepare_if_asked(config, workers)
