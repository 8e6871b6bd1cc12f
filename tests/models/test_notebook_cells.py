"""Networks and data of a notebook's cells: the source is what the kernel runs, however often and in what order cells ran."""

import ast

import pytest
from notebooks import run_cells

from models.specs.source.instructions import gist
from models.specs.source.last_version import last_version

IMPORTS = """
import numpy as np
from torch import nn
from study import Own, OwnData
"""

NET = """
class Net(nn.Module):
    def __init__(self, d, kappa, width=WIDTH):
        super().__init__()
        self.body, self.out = nn.Linear(d, width), nn.Linear(kappa, d)
        self.mu, self.log_var = nn.Linear(width, kappa), nn.Linear(width, kappa)
    def encode(self, x):
        h = scaled(self.body(x))
        return self.mu(h), self.log_var(h)
    def decode(self, z):
        return self.out(z)
"""

SETTINGS = "WIDTH = 8\nSCALE, OTHER = 2, 3"

SCALED = "def scaled(x):\n    return SCALE * x"

IS_FIRST = "Own.of(Net, kappa=2) == first"

CELLS = [
    (IMPORTS, ""),
    (SETTINGS, ""),
    (SCALED, ""),
    (NET, ""),
    ("first = Own.of(Net, kappa=2)\nprint(first.source.count('class'), 'OwnData' in first.source)", "1 False"),
    # run again as they are, in any order
    (IMPORTS, ""),
    (IS_FIRST, "True"),
    (NET, ""),
    (SCALED, ""),
    (SETTINGS, ""),
    (IS_FIRST, "True"),
    # edited, and edited back
    (SCALED.replace("* x", "+ x"), ""),
    (f"edited = Own.of(Net, kappa=2)\nprint('SCALE * x' in edited.source)\n{IS_FIRST}", "False\nFalse"),
    (f"{SCALED}\n{IS_FIRST}", "True"),
    ("WIDTH = 16", ""),
    (IS_FIRST, "True"),
    (f"{NET}\nOwn.of(Net, kappa=2).source.count('WIDTH = 16')", "1"),
    (f"WIDTH = 8\n{NET}\n{IS_FIRST}", "True"),
    # changed after the definition
    ("Net.SLOPE = 0.5", ""),
    ("Own.of(Net, kappa=2).source.splitlines()[-1]", "'Net.SLOPE = 0.5'"),
    # magics and shell commands
    ("%matplotlib inline\n!true", ""),
    ("%%capture\ndef rows(noise):\n    return np.zeros((4, 2)) + noise, np.zeros((4, 2))", ""),
    ("print(OwnData.of(rows, d=2, n=4, noise=1.0).source.splitlines()[1])", "def rows(noise):"),
    ("listed = !echo 4\ndef counted():\n    return np.zeros((len(listed), 2)), np.zeros((4, 2))", ""),
    (
        "OwnData.of(counted, d=2, n=4)",
        "ValueError: counted is not what the notebook's cells make of it: listed has a value here and none there",
    ),
    # other statements of the language
    ("from __future__ import annotations\nfor LOOP in (1, 2):\n    pass", ""),
    ("TABLE = np.zeros((4, 2))\nnp.fill_diagonal(TABLE, 7)", ""),
    ("def looped():\n    return TABLE * LOOP, TABLE", ""),
    ("print(OwnData.of(looped, d=2, n=4).source.count('fill_diagonal'))", "1"),
    # cells that failed, or that are none
    ("SCALE = 2\n1 / 0\nSCALE = 5", "ZeroDivisionError: division by zero"),
    ("def scaled(:", "SyntaxError"),
    (
        "Own.of(Net, kappa=2)",
        "ValueError: Net is not what the notebook's cells make of it: SCALE is 2 here and 5 there: run the cells that define",
    ),
    (f"SCALE, OTHER = 2, 3\n{NET}\n{IS_FIRST}", "True"),
    # names that are others inside a function
    (
        "data = OwnData.of(rows, d=2, n=4, noise=1)\ndef shifted(data=0):\n    return np.ones((4, 2)), np.ones((4, 2))",
        "",
    ),
    ("'OwnData' in OwnData.of(shifted, d=2, n=4).source", "False"),
    # what no cell defines
    (
        "exec('def hidden():\\n    return 1')\nOwnData.of(hidden, d=2, n=4)",
        "ValueError: hidden must be defined at the top",
    ),
    ("import study\nprint(study.launch('grid_gamma', plan=True, quiet=True).studies[0].finished)", "0"),
]


def test_the_source_of_a_cell_is_what_the_kernel_runs(tmp_path):
    heard = run_cells([cell for cell, _ in CELLS], tmp_path)
    wrong = [
        (cell, said)
        for (cell, expected), said in zip(CELLS, heard, strict=True)
        if not said.startswith(expected) or (not expected and said)
    ]
    assert not wrong, wrong


ORDERS = {
    "each once": "A = 1\nB = A + 1\ndef f(x):\n    return x + B",
    "a function first": "A = 1\ndef f(x):\n    return x + B\nB = A + 1",
    "a print between": "A = 1\nprint(A)\nB = A + 1\ndef f(x):\n    return x + B\nf(3)",
    "values run twice": "A = 1\nB = A + 1\nA = 1\nB = A + 1\ndef f(x):\n    return x + B",
    "other values before": "A = 3\nB = A * 2\ndef f(x):\n    return B\nA = 1\nB = A + 1\ndef f(x):\n    return x + B",
}


@pytest.mark.parametrize("name", ORDERS)
def test_statements_that_mean_the_same_are_written_the_same(name):
    kept = last_version(ast.parse(ORDERS[name]).body, "f")
    assert [ast.unparse(node).splitlines()[0] for node in kept] == ["A = 1", "B = A + 1", "def f(x):"]


def test_an_earlier_value_stays_where_something_stands_on_it():
    cells = "A = 1\nB = A + 1\nA = 5\ndef f(x):\n    return A + B"
    kept = last_version(ast.parse(cells).body, "f")
    assert [ast.unparse(node).splitlines()[0] for node in kept] == ["A = 1", "B = A + 1", "A = 5", "def f(x):"]


CALLS = """
def f(x, rows):
    for row in rows:
        if nn.ready(row):
            x += nn.Linear(row, 2)(x) if row else nn.slope
    return x
"""


@pytest.mark.every_python
def test_code_is_the_same_whether_or_not_the_same_text_imports_what_it_calls():
    """Python compiles calls of what the same text imports in another way than those of other names."""

    def code(text):
        names = {}
        exec(compile(text, "<text>", "exec"), names)
        return names["f"].__code__

    with_import, without = code(f"import torch as nn\n{CALLS}"), code(f"nn = None\n{CALLS}")
    assert gist(with_import) == gist(without)
    for other in (("nn.Linear", "nn.Conv"), ("2)", "3)"), ("row else", "x else"), ("for row", "for rov"), ("+=", "-=")):
        assert gist(code(CALLS.replace(*other))) != gist(without)
