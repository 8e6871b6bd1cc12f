"""The wheel: built, installed into an empty environment, and launched among a user's files of the names of ours."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from launches import ROOT
from namesake_files import NEIGHBOURS, STUDY, write

from study.record import Home, read

pytestmark = pytest.mark.slow

PACKAGES = ("collapsar", "models", "study", "analysis")

WHERE = f"import {', '.join(PACKAGES)}; print({', '.join(f'{name}.__file__' for name in PACKAGES)})"


def run(folder: Path, *words: object, **environment: str) -> str:
    """The output of a command that must succeed, in a process that knows nothing of this checkout."""
    settings = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"} | environment
    command = list(map(str, words))
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    run(folder, sys.executable, "-m", "pip", "wheel", "-q", ".", "--no-deps", "--no-build-isolation", "-w", "dist")
    return next((folder / "dist").glob("collapsar-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment that holds the wheel alone; the libraries are this environment's, without what is editable there."""
    place = tmp_path_factory.mktemp("environment")
    run(place, sys.executable, "-m", "venv", "--without-pip", place)
    here = next(place.glob("lib/python*/site-packages"))
    (here / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    run(place, sys.executable, "-m", "pip", "-q", "--python", place / "bin/python", "install", "--no-deps", wheel)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder, with files of the names of ours and a study that uses them."""
    mine = STUDY + "\nfrom models.layers import WIDTH\nfrom study import HELP\nassert (WIDTH, HELP) == (64, 65)\n"
    return write(tmp_path, {**NEIGHBOURS, "exp.py": mine})


def test_everything_of_the_packages_is_in_the_wheel(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.partition("/")[0].endswith(".dist-info")}
    files = {path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    assert held == {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert {f"{package}/py.typed" for package in PACKAGES} <= held


def test_the_packages_come_from_the_wheel(environment, tmp_path):
    places = run(tmp_path, environment / "bin/python", "-c", WHERE).split()
    assert all(Path(place).is_relative_to(environment) for place in places)
    assert "collapsar 0." in run(tmp_path, environment / "bin/collapsar", "--version")


def test_a_study_is_launched_and_reported_among_files_of_our_names(environment, folder):
    collapsar = environment / "bin/collapsar"
    out = run(folder, collapsar, "launch", "exp.py", "--in-process", "--home", "home")
    assert "2 declared, 0 already there, 2 finished" in out
    assert "0 to train" in run(folder, collapsar, "launch", "exp.py:own", "--plan", "--home", "home")
    assert "What is asked?" in run(folder, collapsar, "report", "own", "--home", "home")
    assert "is whole: 2 trials of own" in run(folder, collapsar, "verify", "--home", "home")
    assert "stays: 2 trials" in run(folder, collapsar, "clean", "--home", "home")
    assert "2 trials mirrored" in run(folder, collapsar, "mirror", "--home", "home")


def test_workers_of_ray_find_our_packages_in_such_surroundings(environment, folder):
    """Beside a study.py, with a temporary folder too long for Ray's sockets, an unwritable home, and warnings as errors."""
    long = folder / ("x" * 90)
    long.mkdir()
    odd = {"TMPDIR": str(long), "HOME": "/proc/x", "PYTHONWARNINGS": "error"}
    out = run(folder, environment / "bin/collapsar", "launch", "exp.py", "--no-mirror", "--home", "home", **odd)
    assert "2 declared, 0 already there, 2 finished" in out
    assert read(Home(folder / "home"), "trials")["status"].to_pylist() == ["finished"] * 2
