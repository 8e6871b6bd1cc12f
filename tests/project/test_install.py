"""What an installation needs, says and does: its requirements, its sizes, and the commands of `.ci/install` and `make`."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from launches import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PACKAGES = ("collapsar", "study", "models", "analysis")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
TOOLS = ("test", "check", "docs")
"""The extras that `make test` installs."""

PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)

NOT_IMPORTED = {
    "altair": "draws what the report lets a reader explore, and brings its JavaScript",
    "itables": "brings the tables of the report",
}
"""Requirements that no line of ours imports, and why they are there."""

OPTIONAL = {"torchmetrics": "inception"}
"""What our packages import where an extra is installed, and that extra."""

FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *--version*) exit 0 ;;
    *sysconfig*) echo "{site}" ;;
    *--index-url*) echo "$*" >> "{log}"; exit {cpu_status} ;;
    *) echo "$*" >> "{log}"; echo "  Downloading ray-1-py3.whl (72.0 MB)"; echo "$LAST_WORDS"; exit ${{PIP_STATUS:-0}} ;;
esac
"""


def names_of(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def needed(requirements: Iterable[str]) -> set[str]:
    """Every distribution that requirements lead to in this environment."""
    waiting, seen = list(map(Requirement, requirements)), set()
    while waiting:
        wanted = waiting.pop()
        for extra in {"", *wanted.extras} - {extra for name, extra in seen if name == wanted.name}:
            seen.add((wanted.name, extra))
            further = map(Requirement, metadata.requires(wanted.name) or [])
            waiting += [each for each in further if not each.marker or each.marker.evaluate({"extra": extra})]
    return {canonicalize_name(name) for name, _ in seen}


def everything_of_the_tests() -> set[str]:
    """Every distribution that `make test` installs."""
    return needed([*PROJECT["dependencies"], *(text for extra in TOOLS for text in EXTRAS[extra])])


def imported() -> set[str]:
    """The packages that our packages import, wherever in a file they do."""
    roots = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=aliases):
                    roots |= {alias.name.partition(".")[0] for alias in aliases}
                case ast.ImportFrom(module=str(module), level=0):
                    roots.add(module.partition(".")[0])
    return roots - set(PACKAGES) - set(sys.stdlib_module_names)


@pytest.fixture(scope="module")
def installer():
    """The script as a module."""
    loader = SourceFileLoader("ci_install", str(ROOT / ".ci/install"))
    spec = importlib.util.spec_from_loader("ci_install", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_every_import_is_a_requirement_and_every_requirement_is_imported():
    provided = metadata.packages_distributions()
    origins = {root: {canonicalize_name(name) for name in provided[root]} for root in imported()}
    declared = names_of(PROJECT["dependencies"])
    through_pydantic = {"pydantic_core"}  # pydantic needs exactly one version of it
    assert {root for root in origins if not origins[root] & declared} - through_pydantic == set(OPTIONAL)
    assert declared - set().union(*origins.values()) <= set(NOT_IMPORTED)
    assert all(origins[root] & names_of(EXTRAS[extra]) for root, extra in OPTIONAL.items())


def test_every_package_of_the_tests_is_pinned_and_installed_in_that_version():
    names = everything_of_the_tests()
    pins: dict[str, str] = {canonicalize_name(name): version for name, version in PINS.items()}
    installed = {name: metadata.version(name).partition("+")[0] for name in names}
    assert installed == {name: pins.get(name) for name in names}


def test_no_pin_needs_a_newer_python_than_we_do():
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    pythons = {name: str(metadata.metadata(name).json.get("requires_python", "")) for name in everything_of_the_tests()}
    assert not [name for name, python in pythons.items() if not SpecifierSet(python).contains(oldest)]


def test_the_base_needs_no_tool_of_the_tests():
    tools = names_of(text for extra in TOOLS for text in EXTRAS[extra])
    assert not tools & needed(PROJECT["dependencies"]) - {"packaging", "psutil"}


def test_the_sizes_that_are_said_are_those_of_the_packages(installer):
    def gigabytes(names: set[str]) -> float:
        files = (file for name in names for file in metadata.files(name) or [] if file.suffix != ".pyc")
        return sum(file.size or 0 for file in files) / 1e9

    base = needed(PROJECT["dependencies"])
    everything = everything_of_the_tests()
    has_cuda = any(name.startswith("nvidia-") for name in base)
    assert has_cuda or gigabytes(base) < installer.ON_DISK[""] < 1.4 * gigabytes(base)
    said = sum(installer.ON_DISK[extra] for extra in TOOLS)
    assert gigabytes(everything - base) < said < 1.7 * gigabytes(everything - base)
    assert set(installer.ON_DISK) == set(installer.TO_DOWNLOAD) == {"", *TOOLS}


@pytest.mark.parametrize("answers", [True, False])
def test_a_gpu_is_one_whose_driver_answers(installer, tmp_path, monkeypatch, answers):
    if Path("/proc/driver/nvidia/version").exists():
        pytest.skip("an NVIDIA GPU is here")
    command = tmp_path / "nvidia-smi"
    command.write_text(f"#!/bin/sh\nexit {0 if answers else 9}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert installer.has_nvidia() is answers


def test_progress_counts_packages_and_sizes_as_pip_prints_them(installer, tmp_path):
    wheel = tmp_path / "numpy-2.4.6-cp311.whl"
    wheel.write_bytes(bytes(3_000_000))
    state = installer.Pip(tmp_path)
    assert str(state) == "asking pip what is needed"
    state.read("  Downloading https://a.org/torch-2.13.0%2Bcpu-cp311.whl (191.8 MB)")
    state.read("  Using cached six-1.17.0-py2.py3-none-any.whl.metadata (1.7 kB)")
    state.read("Using cached six-1.17.0-py2.py3-none-any.whl (11 kB)")
    assert str(state) == "fetching package 2, 192 MB so far: six"
    state.read(f"Processing {wheel} (from collapsar==0.1.0)")
    assert str(state) == "fetching package 3, 195 MB so far: numpy, 3 MB"
    state.read("Installing collected packages: torch, six, numpy")
    (tmp_path / "six-1.17.0.dist-info").mkdir()
    assert str(state) == "installing: 1 of 3 packages"


def run_installer(folder: Path, *words: str, cpu_status: int = 0, gpu: bool = False, **environment: str):
    """The script, with a Python that only notes what pip is asked for; (what ended, what was asked)."""
    place, site, log = folder / "env", folder / "site", folder / "log"
    (place / "bin").mkdir(parents=True, exist_ok=True)
    site.mkdir(parents=True, exist_ok=True)
    (place / "bin/python").write_text(FAKE_PYTHON.format(site=site, log=log, cpu_status=cpu_status))
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\nexit {0 if gpu else 9}\n")
    for file in (place / "bin/python", folder / "nvidia-smi"):
        file.chmod(0o755)
    settings = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, ROOT / ".ci/install", place, *words]
    done = subprocess.run(command, env=settings | environment, capture_output=True, text=True, timeout=60, check=False)
    return done, log.read_text().splitlines()


no_gpu = pytest.mark.skipif(
    sys.platform != "linux" or Path("/proc/driver/nvidia/version").exists(), reason="Linux without a GPU is meant"
)


@no_gpu
def test_without_a_gpu_torch_comes_first_and_without_cuda(tmp_path):
    done, (first, second) = run_installer(tmp_path, "test,docs")
    assert f"--index-url https://download.pytorch.org/whl/cpu torch=={PINS['torch']}" in first
    assert second.endswith("--constraint constraints.txt --editable .[test,docs]")
    assert "No NVIDIA GPU is here" in done.stdout
    assert {path.name for path in (tmp_path / "env").glob(".inst*")} == {
        ".installed",
        ".installed-test",
        ".installed-docs",
    }
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@no_gpu
def test_where_the_index_of_cpu_builds_is_not_reached_pip_decides(tmp_path):
    done, asked = run_installer(tmp_path, cpu_status=1)
    assert f"gives no torch=={PINS['torch']} here" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert asked[-1].endswith("--editable .")


def test_with_a_gpu_or_with_a_torch_of_ones_own_nothing_is_chosen(tmp_path):
    done, asked = run_installer(tmp_path / "gpu", gpu=True)
    assert len(asked) == 1
    assert "An NVIDIA GPU is here" in done.stdout
    (tmp_path / "own" / "site" / f"torch-{PINS['torch']}+cu130.dist-info").mkdir(parents=True)
    _, asked = run_installer(tmp_path / "own")
    assert len(asked) == 1


def test_a_failed_install_shows_what_pip_said_and_leaves_no_stamp(tmp_path):
    done, _ = run_installer(tmp_path, gpu=True, PIP_STATUS="1", LAST_WORDS="ERROR: No space left on device")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "run again, goes on from here" in done.stderr
    assert not list((tmp_path / "env").glob(".installed*"))


@pytest.mark.skipif(not shutil.which("make"), reason="make is not here")
def test_make_installs_what_a_command_lacks_and_nothing_twice(tmp_path):
    def asked(*words: str) -> list[str]:
        command = ["make", "-n", "--no-print-directory", f"VENV={tmp_path}", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return re.findall(r"\.ci/install \S+ ?(\S*)", done.stdout)

    assert (asked("study"), asked("test")) == ([""], [",".join(TOOLS)])
    (tmp_path / ".installed").touch()
    assert (asked("study"), asked("test")) == ([], [",".join(TOOLS)])
    for extra in TOOLS:
        (tmp_path / f".installed-{extra}").touch()
    assert asked("study", "test") == []
