"""What a source holds of the user's own modules: what it imports of them, proven by making it without their files."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from user_modules import write_module

from models.specs.source import define, source_of

pytestmark = pytest.mark.every_python

LAYERS = """
import math

WIDTH = 4
UNUSED = 1


def size():
    return WIDTH


class Base:
    def width(self):
        return size()


def plot():
    import nowhere
"""

NETS = "from ..layers import size\nclass Base:\n    def width(self):\n        return size()\n"
NET = "class Net(Base):\n    pass\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the user's, which imports look into; what the test imports from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder, files):
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def made_elsewhere(source, name="Net"):
    """The class, made where none of the user's modules are to be found."""
    hidden = {module: sys.modules.pop(module) for module in list(sys.modules) if module.partition(".")[0] in TOPS}
    path, sys.path[:] = sys.path[:], [entry for entry in sys.path if "pytest-of" not in entry]
    try:
        return define(source.text, name, dict(source.modules))
    finally:
        sys.path[:] = path
        sys.modules.update(hidden)


TOPS = {"layers", "pkg", "other"}

IMPORTED = {
    "a name": ({"layers": LAYERS}, "from layers import Base\n" + NET),
    "a name by another": ({"layers": LAYERS}, "from layers import Base as B\n" + NET.replace("Base", "B")),
    "a module": ({"layers": LAYERS}, "import layers\n" + NET.replace("Base", "layers.Base")),
    "a module by another name": ({"layers": LAYERS}, "import layers as la\n" + NET.replace("Base", "la.Base")),
    "everything": ({"layers": LAYERS}, "from layers import *\n" + NET),
    "in a function": (
        {"layers": LAYERS},
        "class Net:\n    def width(self):\n        from layers import Base\n        return Base().width()\n",
    ),
    "a module of a package": ({"pkg/__init__": "", "pkg/layers": LAYERS}, "from pkg.layers import Base\n" + NET),
    "a package without a file": (
        {"pkg/layers": LAYERS},
        "from pkg import layers\n" + NET.replace("Base", "layers.Base"),
    ),
    "by its full name": (
        {"pkg/__init__": "", "pkg/layers": LAYERS},
        "import pkg.layers\nBase = pkg.layers.Base\n" + NET,
    ),
    "through a package": (
        {"pkg/__init__": "from .layers import Base\nfrom . import plots\n", "pkg/layers": LAYERS, "pkg/plots": ""},
        "from pkg import Base\n" + NET,
    ),
    "relatively, in a package": (
        {"pkg/__init__": "", "pkg/sub/__init__": "", "pkg/sub/nets": NETS, "pkg/layers": LAYERS},
        "from pkg.sub.nets import Base\n" + NET,
    ),
    "in a circle": (
        {"layers": "import other\n" + LAYERS, "other": "import layers\ndef size():\n    return layers.WIDTH\n"},
        "from layers import Base\n" + NET,
    ),
    "through a package that changes it": (
        {
            "pkg/__init__": "from . import layers, changes\n",
            "pkg/layers": LAYERS.replace("WIDTH = 4", "WIDTH = 3"),
            "pkg/changes": "from . import layers\nlayers.WIDTH = 4\n",
        },
        "from pkg import layers\n" + NET.replace("Base", "layers.Base"),
    ),
    "set from outside": (
        {"layers": LAYERS},
        "import layers\nlayers.EXTRA = 4\nclass Net:\n    def width(self):\n        return getattr(layers, 'EXTRA', 3)\n",
    ),
    "changed from outside": (
        {"layers": LAYERS.replace("WIDTH = 4", "WIDTH = 3")},
        "import layers\nlayers.WIDTH = 4\n" + NET.replace("Base", "layers.Base"),
    ),
}


@pytest.mark.parametrize("name", IMPORTED)
def test_a_network_is_made_without_the_modules_it_imports(name, folder):
    files, text = IMPORTED[name]
    write(folder, files)
    module = write_module(folder, text)
    assert module.Net().width() == 4
    source = source_of(module.Net)
    assert made_elsewhere(source)().width() == 4
    assert not {"layers", "pkg", "other"} & {made for made in sys.modules if made.startswith("collapsar_own")}


def test_a_change_of_what_is_used_changes_the_source_and_no_other_change_does(folder):
    def source(layers):
        for name in [name for name in sys.modules if name in TOPS]:
            del sys.modules[name]
        write(folder, {"layers": layers})
        return source_of(write_module(folder, "from layers import Base\n" + NET).Net)

    first = source(LAYERS)
    assert source("# a comment\n" + LAYERS.replace("import nowhere", "return 1") + "\nMORE = 2\n") == first
    assert source(LAYERS.replace("WIDTH = 4", "WIDTH = 5")) != first
    assert source(LAYERS.replace("return size()", "return size() + 1")) != first


def test_a_module_that_changed_since_it_was_imported_is_refused(folder):
    write(folder, {"layers": LAYERS})
    module = write_module(folder, "from layers import Base\n" + NET)
    write(folder, {"layers": LAYERS.replace("WIDTH = 4", "WIDTH = 5")})
    with pytest.raises(ValueError, match="Net is not what its file makes of it: WIDTH is 4 here and 5 there"):
        source_of(module.Net)


def test_a_module_that_holds_no_source_is_refused(folder):
    (folder / f"other{EXTENSION_SUFFIXES[0]}").write_bytes(b"compiled")
    module = write_module(folder, "class Net:\n    def width(self):\n        import other\n")
    with pytest.raises(ValueError, match=r"^Net imports other from .*other\S+, which holds no source"):
        source_of(module.Net)


INSTALLED = """
import json
import numpy as np
from torch import nn
from study import VAE

class Net(nn.Linear):
    def width(self):
        return json.loads("4") + np.int64(0), VAE
"""


def test_installed_packages_are_no_part_of_a_source(folder):
    assert source_of(write_module(folder, INSTALLED).Net).modules == ()


def test_an_installed_package_that_is_not_there_is_named_in_a_sentence():
    with pytest.raises(ModuleNotFoundError, match=r"^Net imports nowhere, which is not installed here: install it$"):
        define("from nowhere import layers\n\nclass Net:\n    pass\n", "Net")
