"""The validation page: one Markdown file with figures by relative links, so that it can stand in the documentation."""

from typing import Any

import yaml

from mscat_tf.evaluation.markdown import table_lines
from mscat_tf.validation.numbers import Report


def markdown_page(report: Report, figures: list[str]) -> str:
    """The whole page.

    Args:
        report: all numbers. figures: paths relative to the page.
    """
    parts = [_head(report), _checks(report), _processes(report), _cut_flow(report)]
    if report["reference"] is not None:
        parts.append(_comparison(report))
    parts += [_figures(figures), _flow(report), _provenance(report)]
    return "\n".join(parts)


def table(columns: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    return "\n".join(table_lines(columns, [[str(cell) for cell in row] for row in rows])) + "\n"


def _head(report: Report) -> str:
    failed = [check["name"] for check in report["checks"] if check["status"] == "failed"]
    verdict = f"**{len(failed)} check(s) failed: {', '.join(failed)}.**" if failed else "All checks passed."
    against = f"Compared with `{report['reference']['path']}`." if report["reference"] else ""
    return f"# Validation of {report['name']}\n\n`{report['path']}`: {report['events']} events. {verdict} {against}\n"


def _checks(report: Report) -> str:
    rows = [[check["name"], check["status"], check["sentence"]] for check in report["checks"]]
    text = table(["check", "result", "what was found"], rows).replace("---: | ---:", "--- | ---")
    return f"## Checks\n\n{text}"


def _processes(report: Report) -> str:
    rows = [
        [
            name, entry["label"], entry["events"], f"{entry['effective_events']:.1f}", entry["generated_events"],
            f"{entry['cross_section_fb']:.4g} ± {entry['cross_section_error_fb']:.1g}", f"{entry['selected_fb']:.4g}",
        ]
        for name, entry in report["processes"].items()
    ]  # fmt: skip
    columns = ["process", "label", "selected", "effective (generator x tag)", "generated", "cross-section [fb]",
               "after selection and tag [fb]"]  # fmt: skip
    return f"## Counts\n\n{table(columns, rows)}"


def _cut_flow(report: Report) -> str:
    text = ""
    for name, rows in report["cut_flow"].items():
        start = rows[0]["weighted"] if rows else 0.0
        lines = [
            [row["cut"], row["raw"], f"{row['weighted']:.6g}", f"{row['weighted'] / start:.3%}" if start else ""]
            for row in rows
        ]
        text += f"### {name}\n\n{table(['cut', 'events', 'weight', 'share of weight'], lines)}\n"
    return f"## Cut flow\n\n{text}"


def _comparison(report: Report) -> str:
    rows = [
        [entry["quantity"], entry["process"], f"{entry['chi2']:.1f}", entry["ndf"], f"{entry['p']:.2g}"]
        for entry in report["comparisons"]
    ]
    remarks = " ".join(report["reference"]["remarks"])
    return (
        f"## Comparison with the reference\n\n{remarks}\n\n{table(['quantity', 'process', 'chi2', 'ndf', 'p'], rows)}"
    )


def _figures(figures: list[str]) -> str:
    return "## Distributions\n\n" + "\n\n".join(f"![{path}]({path})" for path in figures) + "\n"


def _flow(report: Report) -> str:
    rows = []
    for name, entries in report["distributions"].items():
        for process, entry in entries["processes"].items():
            rows.append([name, process, entry["entries"], entry["underflow"], entry["overflow"], f"{entry['sum']:.6g}"])
    columns = ["quantity", "process", "entries", "underflow", "overflow", "sum of weights"]
    left_out = f"{report['left_out']} events with unusable values are left out. " if report["left_out"] else ""
    return (
        f"## Entries\n\n{left_out}Raw counts; underflow and overflow are within the entries.\n\n{table(columns, rows)}"
    )


def _provenance(report: Report) -> str:
    made = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    configuration = yaml.safe_dump(report["configuration"], sort_keys=False)
    return (
        f"## Provenance\n\nSeed {report['seed']}, configuration `{report['digest']}`. Made with {made}; this page with "
        f"mscat_tf {report['validated_with']}.\n\n```yaml\n{configuration}```\n"
    )
