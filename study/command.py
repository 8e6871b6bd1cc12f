"""The command `collapsar`: `collapsar launch my_studies.py`, `collapsar report my_grid`, and the others of `COMMANDS`.

Each subcommand is the same as the module's own, `python -m study.launch` for example, and only its module is imported.
"""

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, get_args

import typer

import collapsar
from study.cli import command_of, refuse, run
from study.docstrings import docstring_of
from study.terminal import prepare

SHELLS = {
    "bash": """\
_collapsar() {
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$(collapsar completion words "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" \
-- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _collapsar collapsar""",
    "zsh": """\
_collapsar() {
    local -a found
    found=(${(f)"$(collapsar completion words "${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
    compadd -a found
    _files
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
compdef _collapsar collapsar""",
    "fish": """\
complete -c collapsar -a '(collapsar completion words (commandline -opc)[2..] 2>/dev/null)'""",
}
"""What each shell runs at its start: what may come next is what `collapsar completion words …` prints; or a file."""

Shell = Literal["bash", "zsh", "fish"]

FOR_SHELLS = ["completion", "words"]
"""What a shell calls: the words typed so far follow, whatever they look like."""


class Command(NamedTuple):
    """Where a subcommand is: the module, the name of its application there, and what it does."""

    module: str
    app: str
    help: str


def version() -> None:
    """Print the version."""
    typer.echo(f"collapsar {collapsar.__version__}")


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that is to complete the words of this command.")],
) -> None:
    """Print what a shell needs to complete this command's words, for its start-up file.

    In bash `eval "$(collapsar completion bash)"`, in zsh likewise, in fish `collapsar completion fish | source`.
    """
    typer.echo(SHELLS[shell])


version_app, completion_app = command_of(version), command_of(completion)

COMMANDS = {
    "launch": Command(
        "study.launch.__main__", "app", "Train whatever studies declare and their home does not have yet."
    ),
    "report": Command(
        "analysis.__main__", "report_app", "A study's tables, figures and report, from the records alone."
    ),
    "claims": Command("analysis.__main__", "claims_app", "Every claim of every study by topic, with its verdict."),
    "clean": Command("study.clean", "app", "Count, and remove, what no study of a home refers to any more."),
    "verify": Command("study.verify", "app", "Read a home whole, and name every file that is damaged or missing."),
    "mirror": Command("study.mirror.__main__", "app", "Rebuild the MLflow mirror from the records."),
    "evaluate": Command("study.evaluate", "app", "Compute the metrics that trained trials lack."),
    "completion": Command(
        "study.command", "completion_app", "Print what a shell needs to complete this command's words."
    ),
    "version": Command("study.command", "version_app", "Print the version."),
}


def main(
    command: Annotated[str | None, typer.Argument(metavar="COMMAND", help="One of those below.")] = None,
    words: Annotated[list[str] | None, typer.Argument(metavar="…", help="What it takes.")] = None,  # noqa: ARG001
) -> None:
    """Studies of regularisation in VAEs: declare, launch, report. `collapsar COMMAND --help` says what a command takes."""
    near = difflib.get_close_matches(command or "", COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"choose among {', '.join(COMMANDS)}"
    refuse(f"there is no command {command}: {hint}" if command else f"name a command: {hint}")


app = command_of(main)


def run_command() -> NoReturn:
    """Run the command that the process was started with."""
    if sys.argv[1:3] == FOR_SHELLS:
        prepare()
        print(*next_words(sys.argv[3:]), sep="\n")
        sys.exit()
    if found := COMMANDS.get(sys.argv[1] if sys.argv[1:] else ""):
        name = f"collapsar {sys.argv.pop(1)}"
        run(_app(found), name)
    if sys.argv[1:] in (["--help"], ["-h"], ["help"]):
        sys.argv[1:] = []
        run(command_of(_list), "collapsar")
    run(app, "collapsar")


def _list() -> None:
    typer.echo(f"Usage: collapsar COMMAND …\n\n{docstring_of(main)}\n")
    for name, command in COMMANDS.items():
        typer.echo(f"  {name:12}{command.help}")
    typer.echo("\n  --version   Show the version.\n  --help      Show this.")


def next_words(words: Sequence[str]) -> list[str]:
    """What may follow these words of the command: commands, options, studies of the catalog, or the values of an option."""
    if not words:
        return [*COMMANDS, "--help", "--version"]
    if (command := COMMANDS.get(words[0])) is None:
        return []
    parameters = typer.main.get_command(_app(command)).params
    named = {name: each for each in parameters for name in each.opts + each.secondary_opts if name.startswith("-")}
    taking = named.get(words[-1]) if len(words) > 1 else None
    if taking is not None and not getattr(taking, "is_flag", False):
        return _choices(taking)
    return sorted([*named, "--help"]) + [
        word for each in parameters if each not in named.values() for word in _choices(each)
    ]


def _choices(parameter: Any) -> list[str]:
    """The words that a parameter takes, where they can be listed: a study's name, or one of a few."""
    if parameter.name in ("studies", "study") and parameter.param_type_name == "argument":
        from study.launch.find import catalog_names

        if parameter.name == "studies":
            return ["all", *catalog_names(), *sorted(map(str, Path().glob("*.py")))]
        return [*catalog_names(), *sorted(place.name for place in Path("runs/studies").glob("[!.]*"))]
    return [str(word) for word in get_args(parameter.type_descriptor.annotation)]


def _app(command: Command) -> typer.Typer:
    return getattr(import_module(command.module), command.app)
