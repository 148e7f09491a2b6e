"""Code blocks of the Markdown pages, and what their commands are made of."""

import ast
import shlex
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
LANGUAGES = {"sh", "python", "yaml", "json", "cpp", "text"}
DIRECTIVES = {"{toctree}", "{eval-rst}", "{include}"}
"""Blocks that only the site reads (`make docs`)."""
SEPARATORS = {"&&", "&", ";", "|"}
PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A code block of a page, and where it begins."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages():
    """Every page that people write, as paths from the checkout."""
    written = [path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "validation_demo"]
    return [path.relative_to(ROOT).as_posix() for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *written)]


def blocks_of(page):
    """Fenced and indented blocks; an indented one has the language ''."""
    tokens = PARSER.parse((ROOT / page).read_text(encoding="utf-8"))
    found = [token for token in tokens if token.type in ("fence", "code_block")]
    return [Block(page, token.map[0] + 1, token.info.strip().partition(" ")[0], token.content) for token in found]


def all_blocks(language):
    """Blocks of one language in all pages."""
    return [block for page in pages() for block in blocks_of(page) if block.language == language]


def commands(block):
    """Single commands of a shell block as lists of words: without comments, assignments and what only wraps them."""
    found = []
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = next((place for place, word in enumerate(words) if word in SEPARATORS), len(words))
            command, words = _bare(words[:end]), words[end + 1 :]
            if command:
                found.append(command)
    return found


def _bare(words):
    """`A=b srun --x mscat train` is `mscat train`."""
    while words and words[0].partition("=")[0].isupper() and "=" in words[0]:
        words = words[1:]
    if words and words[0] == "srun" and "mscat" in words:
        return words[words.index("mscat") :]
    return words


def strings_of(path):
    """All strings in a Python file: the options of its command line are among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
