"""What the site shows beside the pages of this folder: `mkdocs.yml` names this file as a hook.

- Commands and declarations are written from the code, where a page has one of these alone on a line: `<!-- commands -->`,
  `<!-- members: Data -->`, `<!-- specs: models.specs.Objective … -->`, `<!-- entries: study.launch.call.launch … -->`,
  `<!-- names: analysis -->`.
- The notebook becomes a page, and CONTRIBUTING.md another; links that lead out of this folder lead to these.

Everything else is Markdown that reads the same on GitHub.
"""

import importlib
import inspect
import json
import re
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import griffe
import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic import BaseModel

from models.specs import gamma, probes
from models.specs.spec import Spec
from models.specs.vocabulary import members
from study.command import COMMANDS

ROOT = Path(__file__).parents[1]
EMPHASIS = re.compile(r"`[^`]*`|\*[\w -]+\*(?!\w)|(\*)")
"""Code, a few words between asterisks, and any other asterisk: `(*level, kappa)` and `β*` begin and end nothing."""
SPECS = importlib.import_module("models.specs")
VOCABULARIES = {
    **{name: getattr(SPECS, name) for name in ("Data", "Model", "Gamma", "Likelihood", "Optimiser", "Schedule")},
    "Regulariser": SPECS.Regulariser,
    "Probing": probes.Probing,
    "OneGamma": gamma.OneGamma,
}
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
            return "\n\n".join(spec(kind) for kind in members(VOCABULARIES[names]))
        case "specs":
            return "\n\n".join(spec(found(name)) for name in names.split())
        case "names":
            package = importlib.import_module(names)
            return "\n\n".join(
                entry(getattr(package, name)) for name in package.__all__ if has_docstring(package, name)
            )
        case "entries":
            return "\n\n".join(f"::: {name}" for name in names.split())
        case _:
            raise ValueError(f"no marker is called {kind}")


def found(name: str) -> Any:
    """The thing that a dotted name stands for."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def has_docstring(package: Any, name: str) -> bool:
    """Whether a name is a function or a class, or one of the package's modules."""
    return inspect.isfunction(getattr(package, name)) or inspect.isclass(getattr(package, name))


def entry(thing: Any) -> str:
    """A function or a class, as mkdocstrings shows it."""
    return f"::: {thing.__module__}.{thing.__qualname__}"


def spec(kind: type[BaseModel]) -> str:
    """A declaration: its docstring, its constructors, and a row for each field."""
    of = [name for name in ("of", "of_folder") if name in vars(kind)]
    shown = f"    options:\n      members: {json.dumps(of)}\n      inherited_members: false\n"
    fields = {name: field for name, field in kind.model_fields.items() if name != "kind"}
    if not fields:
        return f"{entry(kind)}\n{shown}"
    said = descriptions(kind)
    rows = [
        f"| `{name}` | {code(default(field))} | {code(type_text(field.annotation))} {cell(said.get(name, ''))} |"
        for name, field in fields.items()
    ]
    table = "\n".join(["| field | default | what it is |", "| --- | --- | --- |", *rows])
    return f"{entry(kind)}\n{shown}\n{table}"


def descriptions(kind: type[BaseModel]) -> dict[str, str]:
    """What stands below each field in the source of its class, inherited fields included."""
    classes = [each for each in reversed(kind.__mro__) if each.__module__.partition(".")[0] in ("models", "study")]
    written = [class_source(each).attributes.items() for each in classes]
    return {name: member.docstring.value for members in written for name, member in members if member.docstring}


def class_source(kind: type) -> griffe.Class:
    """A class as it is written."""
    package, _, path = f"{kind.__module__}.{kind.__qualname__}".partition(".")
    return cast("griffe.Class", package_source(package)[path])


@cache
def package_source(name: str) -> griffe.Module:
    """A package as it is written."""
    return cast("griffe.Module", griffe.load(name, search_paths=[str(ROOT)]))


def default(field: Any) -> str:
    """A field's default, as one writes it."""
    return "required" if field.is_required() else repr(field.get_default(call_default_factory=True))


def type_text(annotation: Any) -> str:
    """A type, as one says it: unions of declarations by their names, and no limits of numbers."""
    if get_origin(annotation) is Annotated:
        return type_text(get_args(annotation)[0])
    parts = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        kinds = tuple(part for part in parts if inspect.isclass(part) and issubclass(part, Spec))
        named = [name for name, each in VOCABULARIES.items() if members(each) == kinds and len(kinds) > 1]
        others = [type_text(part) for part in parts if not named or part not in kinds]
        return " or ".join([*named[:1], *others])
    if get_origin(annotation) is Literal:
        return " or ".join(map(repr, parts))
    name = "None" if annotation is NoneType else getattr(annotation, "__name__", str(annotation))
    inner = ", ".join("…" if part is Ellipsis else type_text(part) for part in parts)
    return f"{name}[{inner}]" if inner else name


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
    """A notebook as a page: its text, and its cells as code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = {True: "```python\n{}\n```", False: "{}"}
    shown = [texts[each["cell_type"] == "code"].format("".join(each["source"])) for each in cells]
    note = f"[{path.name}]({path.name}) is the notebook that this page shows."
    return "\n\n".join([shown[0], note, *shown[1:]])
