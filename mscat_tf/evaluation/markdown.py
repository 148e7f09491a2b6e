"""Tables for text files."""


def table_lines(columns: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table; all columns but the first to the right. A `|` within a cell is escaped."""
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
