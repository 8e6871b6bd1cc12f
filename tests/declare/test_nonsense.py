"""Nonsense in: one sentence with the remedy, exit status 2, no traceback, and nothing written.

Every command goes through the command line as it is; they share one process, because starting it is what takes time.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from study import MNIST
from study.declare.axes import MOST_ROWS

pytestmark = pytest.mark.every_python

ROOT = Path(__file__).parents[2]
AXES = {"kappa": "[2]", "beta": "[1.0]", "seed": "[0]"}
BODY = """    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=kappa),
        objective=Objective(gamma=Fixed(1.0), beta=beta),
        training=Training(steps=5),
        seed=seed,
    )
"""
HEAD = "from study import VAE, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study\n"


def a_study(body=BODY, before="", **axes):
    """A file with one study; the axes as they stand in the source."""
    header = AXES | axes
    written = ", ".join(f"{name}={values}" for name, values in header.items())
    return f"{HEAD}{before}\n\n@study({written})\ndef mine({', '.join(header)}):\n    'Caption.'\n{body}"


FILES: dict[str, tuple[str | bytes, str]] = {
    "κ of 0": (a_study(kappa="[0]"), "VAE.kappa should be greater than or equal to 1, not 0"),
    "β below 0": (a_study(beta="[-1]"), "Objective.beta should be greater than or equal to 0, not -1"),
    "NaN": (a_study(beta="[float('nan')]"), "the axis beta holds nan: give it"),
    "infinity": (a_study(beta="[1.0, float('inf')]"), "the axis beta holds inf: give it"),
    "NaN inside": (a_study(BODY.replace("beta=beta", "beta=float('nan')")), "should be a finite number, not nan"),
    "negative seed": (a_study(seed="[-1]"), "Trial.seed should be greater than or equal to 0, not -1"),
    "huge seed": (a_study(seed="[2**63]"), "Trial.seed should be less than"),
    "huge κ": (a_study(kappa="[10**30]"), "VAE.kappa should be less than 2147483648"),
    "integer beyond text": (a_study(seed="[10**5000]"), "the axis seed holds a int that cannot be written out"),
    "integer beyond floats": (a_study(beta="[10**400]"), "should be a number that a float can hold"),
    "truth for a number": (a_study(kappa="[True]"), "VAE.kappa should be a valid integer, not True"),
    "truth among numbers": (a_study(seed="[True, 1]"), "the axis seed mixes booleans with numbers"),
    "a number as text": (a_study(kappa="['2']"), "VAE.kappa should be a valid integer, not '2'"),
    "one label for two": (a_study(seed="[1, '1']"), "different values of the axis seed would share a label"),
    "half a character": (a_study(kappa="['\\ud800']"), "the axis kappa holds '\\ud800': give it"),
    "an object": (a_study(kappa="[object()]"), "give it numbers, text or declarations"),
    "labels that hide": (
        a_study(BODY.replace("kappa=kappa", "kappa=kappa()"), kappa="[lambda: 2, lambda: 3]"),
        "makes two different trials: let the labels and the seed tell them apart",
    ),
    "empty axis": (a_study(kappa="[]"), "the axis kappa is empty: give it at least one value"),
    "axis of text": (a_study(kappa="'24'"), "the axis kappa is not a list: write kappa=['24']"),
    "axis of bytes": (a_study(kappa="b'24'"), "the axis kappa is not a list"),
    "axis of one number": (a_study(kappa="2"), "the axis kappa is not a list: write kappa=[2]"),
    "axis without order": (a_study(kappa="{2, 4}"), "the axis kappa is not a list: write kappa=[...]"),
    "axis too long": (a_study(seed="range(10**9)"), f"the axis seed has more than {MOST_ROWS:,} values: shorten it"),
    "axis without end": (a_study(before="import itertools", seed="itertools.count()"), "shorten it"),
    "table too large": (
        a_study(seed="range(10**4)", kappa="range(1, 1001)"),
        f"declares 10,000,000 rows, more than {MOST_ROWS:,}: shorten an axis",
    ),
    "stranger": (a_study(BODY).replace("kappa, beta, seed)", "kappa, beta)"), "the axis seed is not a parameter"),
    "parameter without axis": (
        a_study(BODY).replace("def mine(", "def mine(other, "),
        "the parameter other has no axis: add other=[...]",
    ),
    "axis of a recorded column": (
        a_study(status="[1]"),
        "the axis status has the name of a recorded column: rename the axis",
    ),
    "γ as text": (a_study(BODY.replace("Fixed(1.0)", "'learned'")), "Objective.gamma should be one of Fixed, Learned"),
    "γ as text, remedy": (a_study(BODY.replace("Fixed(1.0)", "'learned'")), "write Learned(), not 'learned'"),
    "γ as a class": (a_study(BODY.replace("Fixed(1.0)", "Learned")), "write Learned(), not"),
    "γ without its value": (a_study(BODY.replace("Fixed(1.0)", "Fixed()")), "Fixed.value is missing: write value=..."),
    "data as text": (
        a_study(BODY.replace("PlantedManifold(n=100, n_test=50)", "'mnist'")),
        "write MNIST(), not 'mnist'",
    ),
    "unknown field": (a_study(BODY.replace("kappa=kappa", "kapa=kappa")), "VAE."),
    "no caption": (a_study().replace("    'Caption.'\n", ""), "has no docstring: say in one line what it asks"),
    "no trial": (a_study("    pass\n"), "returned no Trial: end it with `return Trial(...)`"),
    "function raises": (a_study("    1 / 0\n"), ", line 7 raised ZeroDivisionError: division by zero: "),
    "function leaves": (a_study("    raise SystemExit(0)\n"), "leaves the program: take sys.exit out of it"),
    "file raises": (
        "x = 1\nraise RuntimeError('no\\nluck')\n",
        "mine.py, line 2, raised RuntimeError: no luck: fix it",
    ),
    "file leaves": ("import sys\nsys.exit(0)\n", "line 2, leaves the program: take sys.exit out of it"),
    "file recurses": ("def f():\n    f()\n\n\nf()\n", "raised RecursionError"),
    "missing import": ("import not_there_at_all\n", "cannot import what it needs (No module named 'not_there_at_all')"),
    "syntax": ("def broken(:\n", "line 1, does not parse (invalid syntax): fix it"),
    "null bytes": (b"x = 1\0\n", "does not parse"),
    "not UTF-8": ("x = 'ä'\n".encode("latin-1"), "save it as UTF-8"),
    "declares nothing": ("x = 1\n", "declares no study: decorate a function with @study(...)"),
    "another name": (a_study().replace("def mine", "def other"), "has no study mine: choose"),
    "empty file": (b"", "declares no study"),
    "decorator without axes": (
        a_study().replace("@study(kappa=[2], beta=[1.0], seed=[0])", "@study"),
        "a study's axes have names: write @study(seed=range(3))",
    ),
    "lambda": (f"{HEAD}study(seed=[0])(lambda seed: None)\n", "<lambda> cannot be a study's name"),
}

COMMANDS: dict[str, tuple[list[str], str]] = {
    "unknown study": (["grid_gama"], "there is no study 'grid_gama': did you mean grid_gamma?"),
    "path as a name": (
        ["catalog/grid_gamma"],
        "did you mean grid_gamma? (your own is launched as file.py:name, or in its notebook)",
    ),
    "empty name": ([""], "there is no study ''"),
    "lines in a name": (["a\nb"], "there is no study 'a\\nb'"),
    "folder": (["folder.py:mine"], "folder.py is a folder: give the path of the .py file"),
    "no file": (["nowhere.py:mine"], "there is no file nowhere.py"),
    "another ending": (["ok.py.bak:mine"], "there is no study 'ok.py.bak:mine'"),
    "unknown axis": (["ok.py", "--only", "kapa=2"], "study mine has no axis kapa: choose among kappa, beta, seed"),
    "unknown value": (["ok.py", "--only", "kappa=3"], "mine's axis kappa has no value 3: choose among 2"),
    "empty value": (["ok.py", "--only", "kappa=2,,4"], "mine's axis kappa has no value '': choose among 2"),
    "only NaN": (["ok.py", "--only", "kappa=nan"], "has no value nan"),
    "only without axis": (["ok.py", "--only", "=2"], "--only =2 is not understood: write it as AXIS=VALUE"),
    "pack of 0": (["ok.py", "--pack", "0"], "--pack 0 is no pack size: give auto, or a number from 1"),
    "pack of -1": (["ok.py", "--pack", "-1"], "--pack -1 is no pack size"),
    "pack of 1.5": (["ok.py", "--pack", "1.5"], "--pack 1.5 is no pack size"),
    "pack of ²": (["ok.py", "--pack", "²"], "--pack ² is no pack size"),
    "no paper scale": (
        ["ok.py", "--scale", "paper"],
        "study mine declares no paper scale: launch it with --scale laptop",
    ),
    "unknown scale": (["ok.py", "--scale", "huge"], "'huge' is not one of 'laptop', 'paper': see"),
    "unknown option": (["ok.py", "--hom", "x"], "No such option: --hom"),
    "option with a value too many": (["ok.py", "--no-mirror=x"], "see python -m study.launch --help"),
    "a second study that is none": (["ok.py", "again"], "there is no study 'again'"),
    "home that is a file": (["ok.py", "--home", "ok.py"], "the home ok.py cannot be a folder:"),
    "home in a file": (["ok.py", "--home", "ok.py/sub/home"], "ok.py is a file; choose another --home"),
    "home without a name": (["ok.py", "--home", ""], "the home has no name: give --home a folder"),
    "home of nobody": (["ok.py", "--home", "~nobody-here/x"], "cannot be opened"),
    "home of no kind": (["ok.py", "--home", "gopher://x"], "cannot be opened"),
    "tracking nowhere": (
        ["ok.py", "--tracking-uri", "nonsense://x"],
        "nonsense://x is no address of MLflow's: write http",
    ),
    "tracking a folder": (["ok.py", "--tracking-uri", "./mlruns"], "./mlruns is no address of MLflow's"),
    "unknown artifacts": (["ok.py", "--artifacts", "some"], "'some' is not one of"),
}


def said_by(commands, folder):
    """What each of the commands says: status, stdout, stderr."""
    result = subprocess.run(
        [sys.executable, str(ROOT / "tests/many_commands.py")],
        input=json.dumps([{"arguments": arguments, "environment": more} for arguments, more in commands]),
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"COLUMNS": "100", "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """Kind of nonsense → what it was answered, all from one process; and the folder it ran in."""
    folder = tmp_path_factory.mktemp("nonsense")
    (folder / "folder.py").mkdir()
    for name in ("ok.py", "ok.py.bak"):
        (folder / name).write_text(a_study())
    commands = {}
    for index, (name, (content, _)) in enumerate(FILES.items()):
        (folder / f"{index}").mkdir()
        path = folder / f"{index}" / "mine.py"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        commands[name] = [f"{index}/mine.py:mine"]
    commands |= {name: arguments for name, (arguments, _) in COMMANDS.items()}
    before = sorted(folder.rglob("*"))
    answers = said_by([([*arguments, "--plan"], {}) for arguments in commands.values()], folder)
    left = [path for path in sorted(folder.rglob("*")) if path not in before and "__pycache__" not in path.parts]
    return dict(zip(commands, answers, strict=True)), left


@pytest.mark.parametrize("name", [*FILES, *COMMANDS])
def test_nonsense_is_refused_in_one_sentence(name, refusals):
    status, _, told = refusals[0][name]
    words = {**FILES, **COMMANDS}[name][1]
    assert status == 2, told
    assert told.startswith("error: ")
    assert words in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


def test_nonsense_leaves_nothing_behind(refusals):
    assert refusals[1] == []


def test_sense_is_planned_with_its_grammar(tmp_path):
    (tmp_path / "one.py").write_text(a_study())
    (tmp_path / "twice.py").write_text(a_study(seed="[0, 0.0]"))
    (tmp_path / "größe.py").write_text(a_study().replace("def mine", "def größe"))
    commands = ["one.py", "twice.py", "größe.py:größe"]
    one, twice, greek = said_by([([command, "--plan"], {}) for command in commands], tmp_path)
    assert "1 trial declared, 0 already there, 1 to train" in one[1]
    assert "1 pack: 1 with 1 trial\n" in one[1]
    assert "1 row makes a trial that another row makes too: each trial is counted once" in twice[1]
    assert "größe at laptop scale" in greek[1]
    assert (one[0], twice[0], greek[0]) == (0, 0, 0)


IMAGES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def test_a_plan_says_that_its_images_are_not_here_and_a_launch_is_refused(tmp_path):
    (tmp_path / "torn/mnist").mkdir(parents=True)
    for name in MNIST.fingerprint:
        (tmp_path / "torn/mnist" / name).write_bytes(b"\x1f\x8bthe beginning of a file")
    nothing, torn = {"COLLAPSAR_DATA": str(tmp_path)}, {"COLLAPSAR_DATA": str(tmp_path / "torn")}
    paper = ["grid_gamma", "--scale", "paper"]
    chosen = ["--only", "seed=0", "--no-mirror", "--home", "home"]
    absent, there, refused, wrong = said_by(
        [
            ([*paper, "--plan"], nothing),
            ([*paper, "--plan"], torn),
            ([*paper, *chosen], nothing),
            ([*paper, *chosen], torn),
        ],
        tmp_path,
    )
    assert absent[0] == there[0] == 0
    assert "mnist/train-images-idx3-ubyte.gz does not exist: put the original file there" in absent[1]
    assert "does not exist" not in there[1]
    assert refused[0] == wrong[0] == 2
    assert refused[2].startswith("error: ")
    assert "does not exist: put the original file there, or unset COLLAPSAR_DATA" in refused[2]
    assert "is not the published file (its md5 should be" in wrong[2]
    assert not (tmp_path / "home").exists()


def test_a_terminal_without_greek_letters_is_no_fault(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "study.launch", "--list"],
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
