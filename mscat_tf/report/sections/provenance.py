"""What made the runs: configuration, versions, machine, events."""

from typing import Any

from mscat_tf.files import read_json
from mscat_tf.report.material import Material
from mscat_tf.report.section import Code, Part, Section, Table


def provenance_section(material: Material) -> Section:
    """A column for each run, and every configuration in full."""
    made = [_environment(run.path / "environment.json") for run in material.runs]
    words = {
        "command": "Command", "started": "Started", "platform": "Platform", "host": "Machine",
        "data_digest": "Digest of the events",
    }  # fmt: skip
    rows = [["Folder", *(str(run.path) for run in material.runs)]]
    rows += [[text, *(_shown(each.get(key)) for each in made)] for key, text in words.items()]
    libraries = dict.fromkeys(name for each in made for name in each.get("versions", {}))
    rows += [[name, *(each.get("versions", {}).get(name, "") for each in made)] for name in libraries]
    parts: list[Part] = [Table("What made the runs", ["", *material.names], rows, words=True)]
    for name, run in zip(material.names, material.runs, strict=True):
        parts.append(Code(f"Configuration of {name}", (run.path / "config.yaml").read_text(encoding="utf-8")))
    return Section("provenance", "Configuration and provenance", parts)


def _environment(path: Any) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")
