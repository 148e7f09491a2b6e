"""What runs needed (times, memory, hosts): beside the data, since it is not reproducible."""

import json
import os
from pathlib import Path
from typing import Any

from data_prep.dask_cluster import Workplace
from mscat_tf import files


def add_run(path: Path, shards: list[dict[str, Any]], seconds: float, workplace: Workplace, **further: Any) -> None:
    """Add a run to a file of runs; one that made nothing adds nothing.

    Args:
        path: the JSON file. shards: what each one needed. seconds: of the run. workplace: where it ran.
        further: entries of the run.
    """
    if not shards:
        return
    try:
        runs = json.loads(path.read_text())["runs"]
    except (OSError, ValueError, KeyError):
        runs = []
    own = sorted(shards, key=lambda shard: str(shard["file"]))
    runs.append({"seconds": seconds, "workers": workplace.workers, "cores": os.cpu_count(), **further, "shards": own})
    files.write_json(path, {"runs": runs})
