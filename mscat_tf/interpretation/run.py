"""`mscat explain`: attention maps and Grad-CAM of a run's test events."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from mscat_tf.config import ExplanationSettings
from mscat_tf.data.stream import EventStream
from mscat_tf.files import write_json
from mscat_tf.interpretation.explain import explain as explain_model
from mscat_tf.provenance import library_versions
from mscat_tf.run_folder import Run


def explain(
    run: Run, settings: ExplanationSettings | None = None, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Write `attention.h5`, `gradcam.h5`, their figures and `explanation.json`; returns what the latter holds.

    Args:
        run: a finished run. settings: instead of those in its configuration.
        progress: called with (events done, events wanted).
    """
    settings = settings or run.need_finished().config.explain
    table, config = run.table, run.config
    started = time.perf_counter()
    clouds = [f"{name}_{jet + 1}" for jet in range(run.sample.header.jets) for name in ("constituents", "mask")]
    input_names = tuple(dict.fromkeys([tensor.name for tensor in run.model.inputs] + clouds))

    def test_batches(size: int) -> Iterator[tuple[Any, Any, Any]]:
        for inputs, _, _, row in EventStream(
            run.sample, table.census, config.data, "test", input_names, size
        ).batches():
            real = row >= 0
            rows = row[real]
            yield {name: array[real] for name, array in inputs.items()}, table.process[rows], table.weight_fb[rows]

    provenance = {
        "configuration": config.model_dump(mode="json"),
        "seed": config.seed,
        "versions": library_versions(),
    }
    names = run.sample.header.processes
    tokens = run.sample.header.token_names
    summary = explain_model(run.model, test_batches, names, settings, run.path, provenance, progress, tokens)
    summary["figures"] = [str(path) for path in summary["figures"]]
    summary |= {"settings": settings.model_dump(mode="json"), "seconds": time.perf_counter() - started}
    write_json(run.path / "explanation.json", summary)
    return summary
