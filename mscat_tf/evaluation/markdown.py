"""Tables for text files."""


def table_lines(columns: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table; all columns but the first to the right."""
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
