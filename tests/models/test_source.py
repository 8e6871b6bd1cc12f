"""The source of a class is what makes the same class again, or it is refused: no rule about files is taken on trust."""

import pytest
from torch import nn
from user_modules import write_module

from models.specs.source import define, source_of

pytestmark = pytest.mark.every_python


def made_again(module, name="Net"):
    source = source_of(getattr(module, name))
    return define(source.text, name, dict(source.modules))


NET = """
class Net:
    WIDTH = 4

    def width(self):
        return self.WIDTH
"""

CHANGED_LATER = {
    "an attribute": NET + "Net.WIDTH = 16\n",
    "in a branch": NET + "if True:\n    Net.WIDTH = 16\n",
    "by setattr": NET + "setattr(Net, 'WIDTH', 16)\n",
    "by a function": NET + "def widen(kind):\n    kind.WIDTH = 16\n\nwiden(Net)\n",
    "a method": NET + "def width(self):\n    return 16\n\nNet.width = width\n",
    "a base": NET.replace("Net", "Base") + "Base.WIDTH = 16\nclass Net(Base):\n    pass\n",
    "a value that a call changes": "CFG = {}\ndef configure(**more):\n    CFG.update(more)\n\nconfigure(w=16)\n"
    + NET.replace("self.WIDTH", "CFG['w']"),
    "by a global statement": "W = 4\ndef configure():\n    global W\n    W = 16\n\nconfigure()\n"
    + NET.replace("self.WIDTH", "W"),
    "by name": "W = 4\nglobals()['W'] = 16\n" + NET.replace("self.WIDTH", "W"),
    "by executed text": "exec('W = 16')\n" + NET.replace("self.WIDTH", "W"),
    "a default": "W = [4]\n" + NET.replace("(self)", "(self, w=W)").replace("self.WIDTH", "w[0]") + "W[0] = 16\n",
    "a decorator": "def wide(kind):\n    kind.WIDTH = 16\n    return kind\n\n@wide\n" + NET.strip() + "\n",
    "another decorator later": NET + "def wide(kind):\n    kind.WIDTH = 16\n    return kind\n\nNet = wide(Net)\n",
    "seeded numbers": "import random\nrandom.seed(1)\nW = 16 if random.random() < 0.2 else 4\nW += 0 * 1\n"
    + NET.replace("self.WIDTH", "W"),
}


@pytest.mark.parametrize("name", CHANGED_LATER)
def test_what_changes_a_class_after_its_definition_belongs_to_it(name, tmp_path):
    module = write_module(tmp_path, "UNUSED = [1]\nUNUSED.append(2)\n" + CHANGED_LATER[name])
    assert module.Net().width() == 16
    assert made_again(module)().width() == 16


BOUND = {
    "for": "for WIDTH in (4, 16):\n    pass\n",
    "with": "import contextlib\nwith contextlib.nullcontext(16) as WIDTH:\n    pass\n",
    "walrus": "if (WIDTH := 16) > 3:\n    pass\n",
    "match": "match {'w': 16}:\n    case {'w': WIDTH}:\n        pass\n",
    "rest": "match {'w': 16}:\n    case {**REST}:\n        WIDTH = REST['w']\n",
    "while": "n = 15\nwhile (n := n + 1) < 16:\n    pass\nWIDTH = n\n",
    "unpacked": "first, *(WIDTH, last) = 1, 16, 2\n",
    "star import": "from math import *\nWIDTH = int(floor(16.5))\n",
    "global": "def bind():\n    global WIDTH\n    WIDTH = 16\n\nbind()\n",
    "a comprehension": "[WIDTH := n for n in (4, 16)]\n",
    "except": "try:\n    raise ValueError(16)\nexcept ValueError as fault:\n    WIDTH = fault.args[0]\n",
    "an attribute of a class": "class config:\n    pass\n\nconfig.width = 16\nWIDTH = config.width\n",
}


@pytest.mark.parametrize("name", BOUND)
def test_a_name_may_be_bound_in_every_way_of_the_language(name, tmp_path):
    module = write_module(tmp_path, BOUND[name] + NET.replace("self.WIDTH", "WIDTH"))
    assert made_again(module)().width() == module.Net().width() == 16


READ_AS_PYTHON_DOES = {
    "annotations of the future": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    from nowhere import Nothing\n" + NET.replace("(self)", "(self, n: Nothing = 0) -> Nothing"),
    "a byte order mark": "\ufeff" + NET,
    "an encoding of its own": "# coding: latin-1\nNAME = 'ä'\n" + NET,
    "line ends of Windows": NET.replace("\n", "\r\n"),
    "a dataclass of the future": "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\n"
    "class Net:\n    w: int = 4\n    def width(self):\n        return self.w\n",
    "a base by type variables": "from typing import Generic, TypeVar\nT = TypeVar('T')\n"
    + NET.replace("Net:", "Net(Generic[T]):"),
    "super": NET.replace("Net:", "Base:") + "class Net(Base):\n    def width(self):\n        return super().width()\n",
    "an enumeration": "from enum import Enum\nclass Kind(Enum):\n    A = 4\n"
    + NET.replace("self.WIDTH", "Kind.A.value"),
    "an abstract class": "from abc import ABC, abstractmethod\nclass Base(ABC):\n    @abstractmethod\n"
    "    def width(self): ...\n" + NET.replace("Net:", "Net(Base):"),
    "a cached function": "from functools import lru_cache\n@lru_cache\ndef f():\n    return 4\n"
    + NET.replace("self.WIDTH", "f()"),
    "a lambda": "f = lambda: 4\n" + NET.replace("self.WIDTH", "f()"),
    "a named tuple": "from collections import namedtuple\nC = namedtuple('C', 'w')\n"
    + NET.replace("self.WIDTH", "C(4).w"),
    "an array": "import numpy as np\nW = np.full(3, 4)\n" + NET.replace("self.WIDTH", "int(W[0])"),
    "a tensor": "import torch\nW = torch.full((3,), float('nan'))\n" + NET.replace("self.WIDTH", "len(W) + 1"),
    "a property": NET.replace("    def width", "    @property\n    def _w(self):\n        return 4\n\n    def width"),
    "not a number": "W = float('nan')\n" + NET.replace("self.WIDTH", "4 if W != W else 3"),
    "a logger": "import logging\nLOG = logging.getLogger('net')\n"
    + NET.replace("return", "LOG.debug('w')\n        return"),
}


@pytest.mark.parametrize("name", READ_AS_PYTHON_DOES)
def test_a_file_is_read_as_python_reads_it(name, tmp_path):
    encoding = "latin-1" if name == "an encoding of its own" else "utf-8"
    module = write_module(tmp_path, READ_AS_PYTHON_DOES[name], encoding)
    assert made_again(module)().width() == module.Net().width() == 4


WITHOUT_A_NAME = {
    "globals": "WIDTH = 16\n" + NET.replace("self.WIDTH", "globals().get('WIDTH', 4)"),
    "eval": "WIDTH = 16\n" + NET.replace("return self.WIDTH", "try:\n            return eval('WIDTH')\n"
    "        except NameError:\n            return 4"),
    "subclasses": "class Head:\n    W = 4\nclass Wide(Head):\n    W = 16\n"
    + NET.replace("return self.WIDTH", "return [Head, *Head.__subclasses__()][-1].W"),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_A_NAME)
def test_what_code_finds_without_naming_it_belongs_to_it(name, tmp_path):
    module = write_module(tmp_path, WITHOUT_A_NAME[name])
    assert module.Net().width() == 16
    assert made_again(module)().width() == 16


PARSED = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=4)
args, _ = parser.parse_known_args()
"""


def test_an_argument_of_the_command_line_is_no_part_of_a_source(tmp_path, monkeypatch):
    text = PARSED + NET.replace("self.WIDTH", "args.width")
    monkeypatch.setattr("sys.argv", ["run.py"])
    assert made_again(write_module(tmp_path, text, name="plain"))().width() == 4
    monkeypatch.setattr("sys.argv", ["run.py", "--width", "16"])
    with pytest.raises(ValueError, match=r"args .*is 16 here and 4 there: set it where it is defined, or pass it"):
        source_of(write_module(tmp_path, text).Net)
    required = text.replace("default=4", "required=True")
    with pytest.raises(ValueError, match="set it where it is defined, or pass it as an option"):
        source_of(write_module(tmp_path, required, name="required").Net)


REFUSED = {
    "its own file": (
        "from pathlib import Path\nHERE = Path(__file__).parent\n" + NET.replace("self.WIDTH", "HERE"),
        "Net uses __file__, and its source runs without one: pass the path as an option",
    ),
    "changed from elsewhere": (NET, "Net.WIDTH is 16 here and 4 there: set it where it is defined"),
    "drawn without a seed": (
        "import random\nW = random.random()\n" + NET.replace("self.WIDTH", "W + self.WIDTH"),
        r"W is 0\.\d+ here and 0\.\d+ there",
    ),
    "a generator": (
        "import itertools\nN = (i for i in range(9))\n" + NET.replace("self.WIDTH", "self.WIDTH, next(N)"),
        "N is a generator",
    ),
    "a name of the main program": (
        "if __name__ != '__main__':\n    W = 4\n" + NET.replace("self.WIDTH", "W + self.WIDTH"),
        "W has a value here and none there",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_part_of_the_file_makes_is_refused_by_name(name, tmp_path):
    source, words = REFUSED[name]
    module = write_module(tmp_path, source)
    module.Net.WIDTH = 16 if name == "changed from elsewhere" else 4
    with pytest.raises(ValueError, match=words):
        source_of(module.Net)


def test_a_class_that_changes_between_rows_is_refused_not_remembered(tmp_path):
    module = write_module(tmp_path, NET)
    assert source_of(module.Net).text == NET.strip().replace("\n\n    def", "\n\n    def")
    module.Net.WIDTH = 5
    with pytest.raises(ValueError, match=r"Net\.WIDTH is 5 here and 4 there"):
        source_of(module.Net)
    module.Net.WIDTH = 4
    source_of(module.Net)


PATCH = """
from torch import nn

def mine(self):
    pass

{}

class Net(nn.Module):
    def width(self):
        return nn.Linear(1, 1)
"""


def test_a_method_of_a_library_that_the_file_replaces_is_refused(tmp_path, monkeypatch):
    assert source_of(write_module(tmp_path, PATCH.format(""), name="plain").Net)
    monkeypatch.setattr(nn.Linear, "reset_parameters", nn.Linear.reset_parameters)  # and put back after the test
    module = write_module(tmp_path, PATCH.format("nn.Linear.reset_parameters = mine"))
    with pytest.raises(ValueError, match=r"Net stands on nn\.Linear\.reset_parameters, which your code has replaced"):
        source_of(module.Net)


def test_statements_that_change_nothing_stay_out_of_the_source(tmp_path):
    study = "print(Net)\nSIZES = [Net.WIDTH]\nfor Size in SIZES:\n    print(Net, Size)\n"
    module = write_module(tmp_path, NET + "Net.WIDTH = 16\n" + study)
    assert source_of(module.Net).text.splitlines()[-1] == "Net.WIDTH = 16"
    assert "print" not in source_of(module.Net).text


SHADOWED = """
import numpy as np
from study import OwnData

def rows():
    return np.zeros((4, 2)), np.zeros((4, 2))

data = OwnData.of(rows, d=2, n=4)

def spread(network, data):
    rows = network.encode(data.test)
    return max(row.max() for row in rows) * SCALE

SCALE = 2
"""


def test_an_argument_is_not_the_thing_of_that_name_in_the_file(tmp_path):
    text = source_of(write_module(tmp_path, SHADOWED).spread).text
    assert "OwnData" not in text
    assert "def rows" not in text
    assert "SCALE = 2" in text
