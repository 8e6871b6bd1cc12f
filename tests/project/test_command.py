"""The command `collapsar`: its subcommands, its help, its exit statuses, and what it completes."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest
from launches import ROOT
from many_commands import answer

import collapsar
import study
from study.command import COMMANDS, SHELLS, next_words
from study.launch.find import catalog_names

MODULES = ("study.launch", "analysis", "study.clean", "study.verify", "study.mirror", "study.ledger", "study.evaluate")


@pytest.fixture(autouse=True)
def _the_path_stays(monkeypatch):
    """The command moves the current folder to the end of the path, which is this process's, too."""
    monkeypatch.setattr(sys, "path", [*sys.path])


def said_by(*words, module="collapsar", columns="100"):
    """Exit status, stdout and stderr of a command."""
    return answer(words, {"COLUMNS": columns, "TERM": "dumb"}, module)


def test_there_is_one_version():
    assert study.__version__ == collapsar.__version__ == version("collapsar")
    assert said_by("version") == said_by("--version") == (0, f"collapsar {study.__version__}\n", "")


@pytest.mark.parametrize("module", MODULES)
def test_every_module_command_has_the_version(module):
    assert said_by("--version", module=module) == (0, f"collapsar {study.__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_subcommand_has_help_under_the_name_it_was_called_by(command):
    status, out, _ = said_by(command, "--help")
    assert status == 0
    assert f"Usage: collapsar {command} " in re.sub(r"\s+", " ", out)
    assert said_by(command, "--version")[1] == f"collapsar {study.__version__}\n"


def test_the_help_names_every_subcommand():
    for word in ("--help", "-h", "help"):
        status, out, _ = said_by(word)
        assert status == 0
        assert set(COMMANDS) <= set(re.findall(r"^  (\w+) ", out, re.M))


WRONG = {
    "no command": ([], "error: name a command: choose among launch, report"),
    "a near miss": (["lanch"], "error: there is no command lanch: did you mean launch?"),
    "no miss": (["xyz"], "error: there is no command xyz: choose among launch, report"),
    "an unknown option": (["--hom"], "see collapsar --help"),
    "an unknown option of a subcommand": (["clean", "--hom", "x"], "see collapsar clean --help"),
    "an unknown study": (["launch", "grid_gama"], "did you mean grid_gamma?"),
    "an unknown shell": (["completion", "ksh"], "see collapsar completion --help"),
    "a home that is none": (["verify", "--home", "nowhere"], "holds no studies: name the home with --home"),
    "a report of no study": (["report"], "name a study, or give --all"),
    "a report of one study and of all": (["report", "one", "--all"], "leave the name out"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_ends_with_one_sentence_and_status_2(name, tmp_path, monkeypatch):
    words, sentence = WRONG[name]
    monkeypatch.chdir(tmp_path)
    status, out, err = said_by(*words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ([], set(COMMANDS)),
        (["launch"], {"--home", "--plan", "--no-mirror", "--help", "all", *catalog_names()}),
        (["launch", "grid_gamma"], {"--home", "collapse_point"}),
        (["launch", "--scale"], {"laptop", "paper"}),
        (["launch", "--artifacts"], {"first-seed"}),
        (["report"], {"grid_gamma", "--home"}),
        (["completion"], {"bash", "zsh", "fish"}),
    ],
)
def test_words_are_completed(typed, expected):
    assert expected <= set(next_words(typed))


@pytest.mark.parametrize("typed", [["nonsense"], ["launch", "--home"], ["launch", "--pack"]])
def test_where_a_file_or_anything_may_come_next_no_word_is_offered(typed):
    assert next_words(typed) == []


def in_bash(*typed):
    """What bash offers for the last of these words."""
    words = " ".join(f"'{word}'" for word in ("collapsar", *typed))
    script = (
        f'collapsar() {{ "{sys.executable}" -m collapsar "$@"; }}\neval "$(collapsar completion bash)"\n'
        f"COMP_WORDS=({words}) COMP_CWORD={len(typed)}\n_collapsar\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_files_here_and_studies_of_the_home_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    (tmp_path / "runs/studies/my_grid").mkdir(parents=True)
    assert "mine.py" in next_words(["launch"])
    assert "my_grid" in next_words(["report"])


def test_bash_completes():
    assert in_bash("cl") == ["claims", "clean"]
    assert in_bash("launch", "--scale", "l") == ["laptop"]
    assert in_bash("launch", "--ad") == ["--address"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
def test_zsh_knows_the_completion_with_its_own_set_up_or_without(tmp_path):
    """Where no start-up file has run compinit there is no compdef yet."""
    for before in ("", "autoload -Uz compinit; compinit -i\n"):
        script = f"{before}{SHELLS['zsh']}\nprint $_comps[collapsar]"
        command = ["zsh", "-f", "-c", script]
        done = subprocess.run(command, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("_collapsar\n", "")


@pytest.mark.parametrize("shell", [each for each in SHELLS if shutil.which(each)])
def test_what_a_shell_is_given_is_of_its_language(shell):
    done = subprocess.run([shell, "-n"], input=SHELLS[shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_package_says_that_it_is_typed():
    assert all((ROOT / package / "py.typed").is_file() for package in ("collapsar", "models", "study", "analysis"))
