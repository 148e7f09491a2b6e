"""YAML blocks of the pages, read by the settings that would read them."""

import yaml

from mscat_tf.config import Config, load_config
from mscat_tf.config.cluster import load_cluster
from mscat_tf.config.importing import load_import


def check_yaml(text, folder):
    """Read a block as what it is by its keys: a configuration, an import, a batch system, or entries of processes."""
    values = yaml.safe_load(text)
    path = folder / f"{values.get('name', 'block')}.yaml"
    if "kind" in values:
        path.write_text(text)
        return load_cluster(str(path))
    entries = values.get("processes", {})
    if entries and all("files" in entry for entry in entries.values()):
        path.write_text(text)
        return load_import("delphes", path, [], None, None, [])
    if not set(values) <= {*Config.model_fields, "base"}:
        assert all("kind" in entry for entry in values.values()), f"no settings have the keys {list(values)}"
        values = {"sample": {"processes": values}}
    path.write_text(yaml.safe_dump({"base": "demo", **values}))
    return load_config(str(path))
