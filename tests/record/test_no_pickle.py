"""Nothing that is read from a home is code: no pickle is ever opened there, though somebody puts one in."""

import ast
import json
import pickle
import subprocess
import sys

import pytest
from launches import ROOT, write_study
from pickle_audit import KINDS, UNPICKLED, Bomb

from study.launch.find import find
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.plan.datasets import record_data
from study.plan.plan import make_plan, write_plan
from study.record import Home
from study.train.pack_run import PackRun

PICKLING = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
LOADING = {"load": "torch", "read_pickle": None, "to_pickle": None, "load_learner": None}


def spoken(tree):
    """Modules that a file imports, and calls of what unpickles."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield "allow_pickle"
        elif isinstance(node, ast.Attribute) and node.attr in LOADING:
            owner = node.value.id if isinstance(node.value, ast.Name) else None
            if LOADING[node.attr] in (None, owner):
                yield node.attr


@pytest.mark.parametrize("package", ["study", "analysis", "models"])
def test_no_file_says_a_word_that_unpickles(package):
    files = list((ROOT / package).rglob("*.py"))
    words = {str(file): set(spoken(ast.parse(file.read_text()))) for file in files}
    assert "pyarrow" in set().union(*words.values()) or package == "models"
    forbidden = PICKLING | LOADING.keys() | {"allow_pickle"}
    tunes_own = {str(ROOT / "study/run/ray_tune.py"): {"pickle"}}  # of errors, in the launch's own temporary folder
    found = {file: said & forbidden - tunes_own.get(file, set()) for file, said in words.items()}
    assert not {file: said for file, said in found.items() if said}


def test_words_that_unpickle_are_found():
    code = "import pickle as p, torch\nfrom joblib import load\ntorch.load(f)\nnp.load(f, allow_pickle=True)"
    assert set(spoken(ast.parse(code))) == {"pickle", "torch", "joblib", "load", "allow_pickle"}


@pytest.fixture
def trained(tmp_path):
    """A home with a trained study."""
    home, study = Home(tmp_path / "home"), find(f"{write_study(tmp_path, seeds=1, steps=40)}:tiny")
    plan = make_plan(study, "laptop", home)
    record_data(plan, home)
    write_plan(plan, home)
    for pack in make_packs(plan.missing, {}, None, 2, CPU_CORE):
        run = PackRun(pack)
        while not run.done:
            run.advance(60)
        run.commit(home)
    return tmp_path / "home"


@pytest.mark.slow
def test_no_way_of_reading_a_home_unpickles_anything(trained):
    script = ROOT / "tests/pickle_audit.py"  # -P: or tests/analysis would be taken for the package
    done = subprocess.run(
        [sys.executable, "-P", script, trained], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["unpickled"] == []
    assert set(found["refused"]) == set(KINDS), "a pickle was taken for what it is not"


def test_the_hook_hears_of_what_is_unpickled(capsys):
    sys.addaudithook(
        lambda event, arguments: UNPICKLED.append(str(arguments)) if event == "pickle.find_class" else None
    )
    pickle.loads(pickle.dumps(Bomb()))
    assert UNPICKLED.pop().endswith("'print')")
    assert "was run" in capsys.readouterr().out
