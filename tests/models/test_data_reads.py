"""What a data function reads beside its arguments is declared, or refused by name: files, folders, variables, programs."""

import socket
from pathlib import Path

import numpy as np
import pytest
from user_modules import write_module

from models.data.load import load
from models.data_folders import DataError
from study import OwnData

ROWS = """
import http.client
import importlib.util
import os
import sqlite3
import subprocess
import sys

import numpy as np


def of_seed(seed):
    x = np.random.default_rng(seed).standard_normal((10, 2))
    return x[:8], x[8:]


def rows():
    return of_seed({})
"""

UNDECLARED = {
    "a variable": ("int(os.environ.get('SEED', 0))", "reads the environment variable SEED"),
    "a folder": ("len(os.listdir('folder'))", r"reads .*folder without declaring it"),
    "a database": ("len(sqlite3.connect('data.db').execute('select 1').fetchall())", r"reads .*data\.db"),
    "a program": ("len(subprocess.check_output(['cat', 'seed.txt']))", "reads what the command cat says"),
    "a server": (
        "len([c := http.client.HTTPConnection('localhost', PORT), c.connect(), c.close()])",
        "reads what localhost serves",
    ),
    "a module by its path": (
        "(spec := importlib.util.spec_from_file_location('aside', 'folder/aside.py'), "
        "made := importlib.util.module_from_spec(spec), spec.loader.exec_module(made), made.SEED)[-1]",
        r"reads .*folder/aside\.py",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "aside.py").write_text("SEED = 1\n")
    for name in ("data.db", "seed.txt"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("name", UNDECLARED)
def test_it_is_refused_by_name(name, folder: Path):
    seed, words = UNDECLARED[name]
    with socket.create_server(("localhost", 0)) as server:
        text = ROWS.format(seed).replace("PORT", str(server.getsockname()[1]))
        spec = OwnData.of(write_module(folder, text).rows, d=2, n=8)
        for _ in range(2):  # the second time there is compiled code, and nothing was kept of the first
            with pytest.raises(DataError, match=words):
                load(spec)


DECLARED = {
    "a variable that says where": "len(os.environ['PLACE'])",
    "a folder of declared files": "len(os.listdir('folder'))",
    "a program that passes on a declared file": "len(subprocess.check_output(['cat', 'folder/aside.py']))",
    "a library's own variable": "len(os.path.expanduser('~')) * 0",
    "arguments of the command line": "len(sys.argv)",
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_settles_the_data_or_says_where_they_lie_is_read(name, folder: Path, monkeypatch):
    monkeypatch.setenv("PLACE", str(folder))
    spec = OwnData.of(write_module(folder, ROWS.format(DECLARED[name])).rows, d=2, n=8, files=["folder/aside.py"])
    assert load(spec).train.shape == (8, 2)


FRAMES = """
import numpy as np
import pandas as pd


def frames():
    frame = pd.DataFrame(np.random.default_rng(0).standard_normal((10, 2)), columns=["a", "b"])
    return frame[:8], frame.iloc[8:][["b", "a"]]
"""


def test_tables_of_other_columns_are_refused(folder: Path):
    spec = OwnData.of(write_module(folder, FRAMES).frames, d=2, n=8)
    with pytest.raises(DataError, match=r"has the columns \['a', 'b'\], and its test set \['b', 'a'\]"):
        load(spec)
    assert np.isfinite(
        load(OwnData.of(write_module(folder, FRAMES.replace('[["b", "a"]]', ""), name="same").frames, d=2, n=8)).train
    ).all()
