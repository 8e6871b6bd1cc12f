"""The command `collapsar`, in a folder whose modules have the names of the platform's packages."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from launches import ROOT

import analysis
import collapsar
import models
import study

SUBCOMMANDS = ("launch", "report", "claims", "clean", "verify", "mirror", "evaluate")


def collapsar_says(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What the command prints in a folder, started as its console script starts it."""
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from collapsar.__main__ import main; main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", start, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of a user's in which `import models`, `study` or `analysis` ends a program."""
    folder: Path = tmp_path_factory.mktemp("user")
    for name in ("models", "study", "analysis", "yaml"):
        (folder / f"{name}.py").write_text("raise SystemExit('the wrong file')\n")
    return folder


def test_it_says_its_version_and_its_commands(folder):
    assert collapsar_says("version", cwd=folder).stdout == f"collapsar {version('collapsar')}\n"
    listed = collapsar_says("--help", cwd=folder).stdout
    assert all(f"  {name} " in listed for name in (*SUBCOMMANDS, "completion", "version"))
    assert collapsar.__version__ == study.__version__ == version("collapsar")


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_each_command_helps_under_its_own_name(name, folder):
    helped = collapsar_says(name, "--help", cwd=folder)
    assert helped.returncode == 0, helped.stderr
    assert f"Usage: collapsar {name}" in helped.stdout
    refused = collapsar_says(name, "--nonsense", cwd=folder)
    assert refused.returncode == 2
    assert f"see collapsar {name} --help" in refused.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("lanch",), "there is no command lanch: did you mean launch?"),
        (("nonsense",), "there is no command nonsense: choose among launch, report"),
        ((), "name a command: choose among launch"),
        (("launch", "grid_gama"), "there is no study 'grid_gama': did you mean grid_gamma?"),
    ],
)
def test_what_it_does_not_know_is_one_sentence_and_status_2(words, sentence, folder):
    refused = collapsar_says(*words, cwd=folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"error: {sentence}")
    assert refused.stderr.count("\n") == 1


def test_shells_complete_commands_studies_and_options(folder):
    def words(*typed: str) -> list[str]:
        return collapsar_says("completion", "words", *typed, cwd=folder).stdout.split()

    assert set(SUBCOMMANDS) <= set(words())
    assert {"all", "grid_gamma", "--home", "--plan"} <= set(words("launch"))
    assert {"laptop", "paper"} <= set(words("launch", "--scale"))
    for shell in ("bash", "zsh", "fish"):
        assert "collapsar completion words" in collapsar_says("completion", shell, cwd=folder).stdout


def test_type_checkers_may_read_the_packages():
    for package in (analysis, collapsar, models, study):
        assert Path(str(package.__file__)).with_name("py.typed").is_file()
