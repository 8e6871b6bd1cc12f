"""A user's modules and the platform's packages of the same names: each file gets what it means."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from launches import ROOT
from namesake_files import NEIGHBOURS, STUDY, write

from study.errors import DeclarationError
from study.launch.find import find, load


def values(folder: Path, code: str, **neighbours: str) -> dict[str, object]:
    """The global names of a file with this code, among these neighbours."""
    write(folder, {**NEIGHBOURS, **neighbours, "exp.py": code})
    return vars(load(folder / "exp.py"))


def run(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own in the folder, which knows the platform as an installed package."""
    settings = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | environment
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=300, check=False)


THEIRS = {
    "a module of their package": ("from models.layers import WIDTH as found", 64),
    "what their package defines": ("from models import WIDTH as found", 64),
    "their package, whole": ("import models\nfound = models.WIDTH", 64),
    "their module, by its path": ("import models.layers\nfound = models.layers.WIDTH", 64),
    "their module, under another name": ("import models.layers as own\nfound = own.WIDTH", 64),
    "their module of a name of ours": ("from models.data import ROWS as found", 7),
    "all of theirs": ("from models.layers import *\nfound = WIDTH", 64),
    "what their analysis defines too": (
        "from analysis import Claim\nfound = Claim.__module__.endswith('.analysis')",
        True,
    ),
    "what their study defines": ("from study import HELP as found", 65),
    "in a function": ("def inside():\n    from models.layers import WIDTH\n    return WIDTH\n\nfound = inside()", 64),
    "in a class": ("class Inside:\n    from models.layers import WIDTH\n\nfound = Inside.WIDTH", 64),
}
OURS = {
    "what we alone have": "from study import Trial as found",
    "a module of ours": "from models.specs import VAE as found",
    "a module below theirs": "from models.loss.gamma import knobs as found",
    "what our analysis alone has": "from analysis import results as found",
    "our package, whole": "import study\nfound = study.Trial",
    "our package, under another name": "import study as st\nfound = st.Trial",
    "a submodule of ours": "import study.launch\nfound = study.launch",
    "a submodule by name": "from models import specs as found",
}


@pytest.mark.parametrize("name", THEIRS)
def test_a_users_file_finds_what_the_user_defines(name, tmp_path):
    code, expected = THEIRS[name]
    assert values(tmp_path, code)["found"] == expected


@pytest.mark.parametrize("name", OURS)
def test_a_users_file_finds_what_the_platform_alone_has(name, tmp_path):
    found = values(tmp_path, OURS[name])["found"]
    assert str(getattr(found, "__module__", None) or getattr(found, "__name__", "")).split(".")[0] in (
        "study",
        "models",
        "analysis",
    )


def test_one_statement_takes_from_both(tmp_path):
    found = values(tmp_path, "from study import HELP, Trial\nimport study\nboth = study.HELP, study.Trial")
    assert found["both"] == (found["HELP"], found["Trial"]) == (65, __import__("study").Trial)


def test_a_neighbour_of_which_nothing_is_asked_does_not_run(tmp_path):
    assert values(tmp_path, "from study import Trial", **{"study.py": "raise RuntimeError('mine')"})["Trial"]


def test_a_folder_of_weights_is_no_package(tmp_path):
    write(
        tmp_path, {"models/weights.txt": "", "numpy/notes.txt": "", "exp.py": "import numpy\nfrom models import specs"}
    )
    assert vars(load(tmp_path / "exp.py"))["numpy"].__version__


def test_a_study_may_be_called_study(tmp_path):
    write(tmp_path, {"study.py": STUDY, "models.py": "WIDTH = 1\n"})
    assert len(find(f"{tmp_path}/study.py").table("laptop").rows()) == 2


def test_our_own_code_is_not_touched_by_a_neighbour(tmp_path):
    values(tmp_path, "import models.layers, analysis, study\n")
    for name in ("models", "analysis", "study"):
        assert Path(str(__import__(name).__file__)).is_relative_to(ROOT)


def test_two_folders_have_neighbours_of_one_name(tmp_path):
    files = {"exp.py": "from layers import WIDTH\nfrom pack.inner import DEPTH"}
    for width, name in enumerate("ab"):
        neighbours = {"layers.py": f"WIDTH = {width}\n", "pack/__init__.py": "", "pack/inner.py": f"DEPTH = {width}\n"}
        write(tmp_path / name, {**files, **neighbours})
    found = [vars(load(tmp_path / name / "exp.py")) for name in "ab"]
    assert [(one["WIDTH"], one["DEPTH"]) for one in found] == [(0, 0), (1, 1)]


def test_a_file_within_a_package_imports_its_siblings_in_every_way(tmp_path):
    code = "from .layers import A\nfrom pack.layers import A as B\nfrom layers import A as C\nfrom top import D"
    write(tmp_path, {"pack/__init__.py": "", "pack/layers.py": "A = 1\n", "top.py": "D = 2\n", "pack/exp.py": code})
    found = vars(load(tmp_path / "pack" / "exp.py"))
    assert [found[name] for name in "ABCD"] == [1, 1, 1, 2]


def test_modules_of_the_launch_folder_are_found(tmp_path, monkeypatch):
    write(
        tmp_path, {"shared/__init__.py": "", "shared/nets.py": "A = 1\n", "studies/exp.py": "from shared.nets import A"}
    )
    monkeypatch.chdir(tmp_path)
    assert vars(load(Path("studies/exp.py")))["A"] == 1


def test_an_edited_neighbour_runs_again(tmp_path):
    """Also where the edit has the same length and comes within the same second."""
    write(
        tmp_path,
        {"layers.py": "WIDTH = 1\n", "nets.py": "from layers import WIDTH\n", "exp.py": "from nets import WIDTH"},
    )
    first = load(tmp_path / "exp.py")
    assert load(tmp_path / "exp.py") is first
    write(tmp_path, {"layers.py": "WIDTH = 2\n"})
    assert vars(load(tmp_path / "exp.py"))["WIDTH"] == 2


@pytest.mark.parametrize("edited", ["a.py", "b.py", "pack/__init__.py", "pack/c.py", "pack/d.py", "unused.py"])
def test_a_file_runs_again_when_one_that_it_stands_on_is_edited_and_no_other(edited, tmp_path):
    files = {
        "a.py": "import b\n",
        "b.py": "from pack import c\n",
        "pack/__init__.py": "",
        "pack/c.py": "from . import d\n",
        "pack/d.py": "import json\n",
        "unused.py": "",
    }
    write(tmp_path, {**files, "exp.py": "import a, numpy\n"})
    first = load(tmp_path / "exp.py")
    write(tmp_path, {edited: files[edited] + "EDITED = True\n"})
    assert (load(tmp_path / "exp.py") is first) == (edited == "unused.py")


def test_what_is_nowhere_is_said_by_the_name_that_the_user_wrote(tmp_path):
    write(tmp_path, {**NEIGHBOURS, "exp.py": "from models.nowhere import A"})
    with pytest.raises(DeclarationError, match=r"cannot import what it needs \(No module named 'models.nowhere'\)"):
        load(tmp_path / "exp.py")


SCRIPT = """
{first}
{second}
import models, study
done = study.launch(own, home="home", mirror=False, quiet=True)
print(WIDTH, models.WIDTH, len(done.studies), bool(done))
"""
IMPORTS = ("from models.layers import WIDTH", STUDY)


@pytest.mark.parametrize(
    "order", [IMPORTS, pytest.param(IMPORTS[::-1], marks=pytest.mark.slow)], ids=["theirs first", "ours first"]
)
def test_a_script_beside_models_and_analysis_launches(order, tmp_path):
    script = SCRIPT.format(first=order[0], second=order[1])
    files = {name: text for name, text in NEIGHBOURS.items() if name.startswith(("models", "analysis"))}
    write(tmp_path, {**files, "script.py": script})
    done = run(tmp_path, "script.py")
    assert done.stdout.splitlines() == ["64 64 1 True"], done.stdout + done.stderr


def test_a_script_beside_a_study_of_its_own_begins_with_collapsar(tmp_path):
    write(tmp_path, {**NEIGHBOURS, "script.py": "import collapsar\nfrom study import HELP, Trial\nprint(HELP, Trial)"})
    done = run(tmp_path, "script.py")
    assert done.stdout.splitlines() == ["65 <class 'study.declare.trial.Trial'>"], done.stderr


@pytest.mark.parametrize("path", [pytest.param("", marks=pytest.mark.slow), "."], ids=["installed", "PYTHONPATH=."])
def test_the_command_works_among_files_of_every_name(path, tmp_path):
    write(tmp_path, {**NEIGHBOURS, "exp.py": STUDY + "\nfrom models import WIDTH\nfrom study import HELP\n"})
    command = ["-m", "collapsar", "launch", "exp.py", "--in-process", "--no-mirror", "--home", "home"]
    done = run(tmp_path, *command, PYTHONPATH=os.pathsep.join(filter(None, [path, str(ROOT)])))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 declared, 0 already there, 2 finished" in done.stdout
    assert "home" in done.stdout
