"""The documents as tests read them: pages, and the code blocks that stand in them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


class Block(NamedTuple):
    """A code block: its language, and its text."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the block is, where its first line says so: `# my_study.py`, or `# my_study.py, continued`."""
        found = re.match(r"# ([\w/]+\.py)(, continued)?\n", self.text)
        return found[1] if found else None

    @property
    def continues(self) -> bool:
        """Whether the file began in an earlier block."""
        return self.text.partition("\n")[0].endswith(", continued")


def text_of(page: str) -> str:
    """A page as it is written."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """The code blocks of a page, in order."""
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", text_of(page), re.S | re.M)]


def file_of(page: str, name: str) -> str:
    """A file of a page, as its blocks write it."""
    return "\n\n".join(block.text for block in blocks_of(page) if block.language == "python" and block.file == name)
