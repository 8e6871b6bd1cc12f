"""The commands of the documents: which there are, and whether ours exist with the options that they are given."""

import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec

import typer
from documents import ROOT, text_of

from study.command import COMMANDS

OF_OTHERS = {
    "ray": "starts clusters: tests/cluster runs these commands",
    "uv": "fetches packages: tests/project/test_install.py holds what it is told to fetch",
}
"""Programs of others that the pages name and no test of the pages runs, and why."""


def commands_in(text: str) -> Iterator[list[str]]:
    """The commands of a shell's block, each as its words, without variables that are set for it and without redirections."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            words = shlex.split(part.partition(" > ")[0] if " > " in part else part, comments=True)
            words = words[next((i for i, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)), len(words)) :]
            if words:
                yield words


def check(words: list[str]) -> None:
    """Refuse a command that does not exist, or has no such option."""
    match words:
        case ["collapsar", name, *options]:
            parse(COMMANDS[name].module, COMMANDS[name].app, options)
        case ["python", "-m", module, *options] if module.startswith("benchmarks"):
            assert find_spec(module), module
            known = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").rglob("*.py"))
            assert all(f'"{word}"' in known for word in options if word.startswith("--")), words
        case ["python", "-m", "pip", "install", *_] | ["pip", "install", *_]:
            check_installation(words)
        case ["python", "-m", module, *options]:
            parse(f"{module}.__main__" if find_spec(f"{module}.__main__") else module, "app", options)
        case ["make", *targets]:
            assert all(re.search(rf"^{target}:", text_of("Makefile"), re.M) for target in targets if "=" not in target)
        case [program, *_]:
            assert program in OF_OTHERS, f"nothing is known of {program}"


def parse(module: str, app: str, options: list[str]) -> None:
    """Let the command's own parser read its options. Raises: what the parser says of wrong ones."""
    typer.main.get_command(getattr(importlib.import_module(module), app)).make_context(module, [*options])


def check_installation(words: list[str]) -> None:
    """Refuse extras that the project does not have, and files that are not there."""
    extras = tomllib.loads(text_of("pyproject.toml"))["project"]["optional-dependencies"]
    named = [name for word in words for found in re.findall(r"\[(.+)\]", word) for name in found.split(",")]
    assert set(named) <= set(extras), words
    assert all((ROOT / word).exists() for word in words if word.endswith(".txt")), words
