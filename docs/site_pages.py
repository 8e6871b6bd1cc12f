"""What the site shows beside the pages of this folder: `mkdocs.yml` names this file as a hook.

- Commands and declarations are written from the code, where a page has one of these alone on a line: `<!-- commands -->`,
  `<!-- members: models.specs.Data -->`, `<!-- specs: models.specs.Objective … -->`, `<!-- names: analysis -->`,
  `<!-- modules: analysis.theory -->`, `<!-- entries: study.launch.call.launch … -->`.
- The notebook becomes a page, and CONTRIBUTING.md another; links that lead out of this folder lead to these.

Everything else is Markdown that reads the same on GitHub.
"""

import importlib
import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import griffe
import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic import BaseModel

from models.specs.fields import Described, described
from models.specs.vocabulary import members
from study.command import COMMANDS

ROOT = Path(__file__).parents[1]
EMPHASIS = re.compile(r"`[^`]*`|\*[\w -]+\*(?!\w)|(\*)")
"""Code, a few words between asterisks, and any other asterisk: `(*level, kappa)` and `β*` begin and end nothing."""
OUTSIDE = {"../README.md": "index.md", "../CONTRIBUTING.md": "contributing.md", "tutorial.ipynb": "tutorial.md"}
"""Where links lead on the site that lead elsewhere on GitHub."""


class PlainAsterisks(griffe.Extension):
    """Keeps asterisks of formulas in docstrings from making text italic."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Escape them, but for lines that Markdown takes as code."""
        if obj.docstring:
            lines = obj.docstring.value.splitlines()
            obj.docstring.value = "\n".join(line if line.startswith("    ") else escaped(line) for line in lines)


def escaped(line: str) -> str:
    """A line in which asterisks mean themselves."""
    return EMPHASIS.sub(lambda found: r"\*" if found[1] else found[0], line)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not stand in this folder."""
    contributing = re.sub(r"\]\(docs/", "](", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    files.append(File.generated(config, "contributing.md", content=contributing))
    files.append(File.generated(config, "tutorial.md", content=notebook(ROOT / "docs/tutorial.ipynb")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 (mkdocs passes them)
    """Write what markers ask for, and lead links to pages of the site."""
    for away, here in OUTSIDE.items():
        if page.file.src_uri != here:
            markdown = markdown.replace(f"]({away}", f"]({here}")
    return re.sub(
        r"^<!-- (\w+)(?:: ([\w. ]+))? -->$", lambda found: written(found[1], found[2] or ""), markdown, flags=re.M
    )


def written(kind: str, names: str) -> str:
    """What stands in place of a marker."""
    match kind:
        case "commands":
            return "\n\n".join(command(name) for name in COMMANDS)
        case "members":
            return "\n\n".join(spec(kind) for kind in members(found(names)))
        case "specs":
            return "\n\n".join(spec(found(name)) for name in names.split())
        case "names":
            package = importlib.import_module(names)
            named = [getattr(package, name) for name in package.__all__]
            return "\n\n".join(entry(each) for each in named if inspect.isfunction(each) or inspect.isclass(each))
        case "modules":
            parts = [each for each in vars(importlib.import_module(names)).values() if inspect.ismodule(each)]
            return "\n\n".join(f"::: {part.__name__}" for part in parts)
        case "entries":
            return "\n\n".join(f"::: {name}" for name in names.split())
        case _:
            raise ValueError(f"no marker is called {kind}")


def found(name: str) -> Any:
    """The thing that a dotted name stands for."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def entry(thing: Any) -> str:
    """A function or a class, as mkdocstrings shows it."""
    return f"::: {thing.__module__}.{thing.__qualname__}"


def spec(kind: type[BaseModel]) -> str:
    """A declaration: its docstring, its constructors, and a row for each field."""
    shown = f"    options:\n      members: {json.dumps([*{'of'} & {*vars(kind)}])}\n      inherited_members: false\n"
    rows = [f"| `{each.name}` | {code(each.default or 'required')} | {meaning(each)} |" for each in described(kind)]
    table = "\n".join(["| field | default | what it is |", "| --- | --- | --- |", *rows]) if rows else ""
    return f"{entry(kind)}\n{shown}\n{table}"


def meaning(field: Described) -> str:
    """What a field is, and below it in words of which type."""
    return "<br>".join(filter(None, [cell(field.description), f"*{cell(field.type)}*"]))


def command(name: str) -> str:
    """A subcommand: what it does, and what it takes."""
    where = COMMANDS[name]
    parsed = typer.main.get_command(getattr(importlib.import_module(where.module), where.app))
    rows = [
        f"| {code(option(each))} | {cell(getattr(each, 'help', None) or '')} |"
        for each in parsed.params
        if each.name != "version"
    ]
    table = "\n".join(["| what it takes | what it means |", "| --- | --- |", *rows]) if rows else ""
    return f"## collapsar {name}\n\n{inspect.cleandoc(parsed.help or where.help)}\n\n{table}"


def option(parameter: Any) -> str:
    """An option or an argument, as one types it."""
    value = parameter.metavar or "|".join(get_args(parameter.type_descriptor.annotation)) or parameter.name.upper()
    if parameter.param_type_name == "argument":
        return value
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {value}"


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")


def code(text: str) -> str:
    """Text for a cell, in type of one width."""
    return f"`{' '.join(text.split())}`"


def notebook(path: Path) -> str:
    """A notebook as a page: its text, its cells as code, and what each cell printed or returned."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = [
        block("python", each["source"]) + outputs(each) if each["cell_type"] == "code" else "".join(each["source"])
        for each in cells
    ]
    note = f"[{path.name}]({path.name}) is the notebook that this page shows."
    return "\n\n".join([shown[0], note, *shown[1:]])


def outputs(cell: Any) -> str:
    """What the cell of a notebook printed, and its value: as a table where it is one."""
    return "".join("\n\n" + output(each.get("data") or {"text/plain": each["text"]}) for each in cell["outputs"])


def output(said: Mapping[str, list[str]]) -> str:
    """One output, in the site's own style."""
    if "text/html" not in said:
        return block("text", said["text/plain"])
    table = re.sub(r"<style.*?</style>| (border|class)=\"[^\"]*\"", "", "".join(said["text/html"]), flags=re.S)
    return f"<div>{' '.join(table.split())}</div>"


def block(language: str, lines: list[str]) -> str:
    """Lines as a block of code."""
    return f"```{language}\n{''.join(lines).rstrip()}\n```"
