"""`python -m study.clean`, and what its old name answers."""

import subprocess
import sys

import pytest
from launches import ROOT
from littered_home import declare_study, files_of, litter, make_old
from many_commands import answer

from study.record import Home


def clean(home, *arguments):
    """Status, output and refusal of the command."""
    return answer(["--home", home, *arguments], module="study.clean")


def test_the_command_counts_first_and_deletes_on_request(tmp_path):
    home = Home(tmp_path)
    litter(home)
    make_old(home)
    before = files_of(home)
    status, counted, refusal = clean(tmp_path)
    assert status == 0, refusal
    assert "rows of 4 trials that no study declares" in counted
    assert "weights and pictures within 1 file, 400 bytes" in counted
    assert "packs that nothing trains: 1 file, 2 bytes" in counted
    assert "stays: 5 trials" in counted
    assert "MLflow's runs of these trials stay" in counted
    assert counted.splitlines()[-1] == "nothing was removed: add --delete to remove it"
    assert files_of(home) == before
    status, removed, refusal = clean(tmp_path, "--delete", "--forget", "second")
    assert status == 0, refusal
    assert "forgotten: the study second" in removed
    assert "stays: 4 trials" in removed
    assert clean(tmp_path)[1].startswith("to remove: 0 bytes; stays: 4 trials")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--forget", "frist"], "there is no study frist in"),
        (["--forget", "../home"], "there is no study ../home"),
        (["--forget", ""], "there is no study"),
        (["--deleet"], "No such option: --deleet"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_changes_nothing(tmp_path, arguments, words):
    home = Home(tmp_path)
    declare_study(home, "first", ["a"])
    before = files_of(home)
    status, _, refusal = clean(tmp_path, "--delete", *arguments)
    assert status == 2
    assert refusal.startswith("error: ")
    assert words in refusal
    assert len(refusal.splitlines()) == 1
    assert files_of(home) == before


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--home", "somewhere", "--delete"], ["--nonsense"]])
def test_the_old_name_answers_with_the_new_one_whatever_it_is_asked(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, output, refusal = answer(arguments, module="study.sweep")
    assert (status, output) == (2, "")
    assert refusal.startswith("error: `python -m study.sweep` is now `python -m study.clean`")
    assert len(refusal.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_both_are_commands_of_a_shell(tmp_path):
    def run(module):
        command = [sys.executable, "-m", module, "--home", tmp_path / "home"]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)

    old, new = run("study.sweep"), run("study.clean")
    assert (old.returncode, new.returncode) == (2, 2)
    assert "study.clean" in old.stderr
    assert "holds no studies" in new.stderr
