"""The command `collapsar`: the modules' own commands under one name, with help, version and completion."""

import subprocess
import sys
from importlib.metadata import version
from unittest import mock

import pytest
from launches import ROOT
from many_commands import answer

import analysis
import models
import study
from study.command import COMMANDS, SHELLS, next_words

MODULES = ("study.launch", "study.clean", "study.verify", "study.mirror", "study.ledger", "study.evaluate", "analysis")


def collapsar(*words, module="collapsar"):
    """The command's exit status, stdout and stderr, in this process."""
    with mock.patch.object(sys, "path", [*sys.path]):
        return answer(words, {"COLUMNS": "100"}, module)


def test_without_a_command_it_says_which_there_are():
    status, _, err = collapsar()
    assert status == 2
    assert err.startswith("error: name a command: choose among launch, report, claims, clean, verify, mirror, evaluate")


def test_a_near_miss_is_named():
    assert collapsar("lanch") == (2, "", "error: there is no command lanch: did you mean launch?\n")


def test_help_lists_every_command_with_what_it_does():
    status, out, _ = collapsar("--help")
    assert status == 0
    for name, command in COMMANDS.items():
        assert f"  {name:12}{command.help}\n" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_calls_it_by_the_name_that_was_typed(name):
    status, out, err = collapsar(name, "--help")
    assert (status, err) == (0, "")
    assert f"collapsar {name} [OPTIONS]" in out


@pytest.mark.parametrize("words", [["--version"], ["version"], *([name, "--version"] for name in COMMANDS)])
def test_every_command_knows_the_version(words):
    assert collapsar(*words) == (0, f"collapsar {study.__version__}\n", "")


@pytest.mark.parametrize("module", MODULES)
def test_the_commands_of_modules_know_the_version_too(module):
    assert collapsar("--version", module=module) == (0, f"collapsar {version('collapsar')}\n", "")


def test_every_package_says_that_it_is_typed():
    for package in (analysis, models, study):
        assert any((ROOT / package.__name__).glob("py.typed"))


@pytest.mark.parametrize("name", ["launch", "report", "clean", "verify", "mirror", "evaluate"])
def test_a_wrong_option_is_refused_under_the_name_that_was_typed(name):
    status, _, err = collapsar(name, "--bogus")
    assert status == 2
    assert err == f"error: No such option: --bogus: see collapsar {name} --help\n"


def test_a_command_refuses_as_its_module_does(tmp_path):
    words = ["launch", "grid_gama", "--home", tmp_path]
    assert collapsar(*words) == collapsar(*words[1:], module="study.launch")
    status, _, err = collapsar("report", "grid_gamma", "--home", tmp_path)
    assert status == 2
    assert "holds no studies" in err


NEXT = {
    "": "launch verify completion",
    "launch": "--home --only --plan --scale --help --version all grid_gamma",
    "launch grid_gamma": "--home vaeplus",
    "launch --scale": "laptop paper",
    "launch --artifacts": "first-seed all none",
    "launch --plan": "--home grid_gamma",
    "mirror": "--tracking-uri grid_gamma",
    "report": "--home grid_gamma",
    "completion": "bash zsh fish",
}


@pytest.mark.parametrize("typed", NEXT)
def test_a_shell_gets_the_words_that_may_follow(typed):
    status, out, _ = collapsar("completion", "words", *typed.split())
    assert status == 0
    assert set(NEXT[typed].split()) <= set(out.split())


def test_where_a_value_is_free_a_shell_completes_a_file():
    assert next_words(["launch", "--home"]) == next_words(["no-such-command"]) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_is_told_how_to_ask(shell):
    status, out, _ = collapsar("completion", shell)
    assert status == 0
    assert "collapsar completion words" in out


def test_bash_completes_a_word(tmp_path):
    """The script as bash runs it, with the command of this environment under its own name."""
    (tmp_path / "collapsar").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m collapsar "$@"\n')
    (tmp_path / "collapsar").chmod(0o755)
    typed = "COMP_WORDS=(collapsar ver); COMP_CWORD=1"
    program = f'eval "$(collapsar completion bash)"; {typed}; _collapsar; echo "${{COMPREPLY[@]}}"'
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", program], env=path, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["verify", "version"]
