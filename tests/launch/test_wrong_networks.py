"""What is wrong with a network or data of the user's is refused before anything is started, each in one sentence."""

import pytest
from launches import launch_here
from own_networks import NETWORKS
from wrong_networks import HEAD, WRONG

from study.record import Home, read

SENTENCES = {
    "Raising": ".encode, called with rows (2, 6), raises RuntimeError: not today: fix `raise RuntimeError('not today')`",
    "Narrow": "decode has shape (2, 1) for 2 rows: return (2, 6), d = 6 numbers a row",
    "WideLatent": "encode's mu has shape (2, 4) for 2 rows: return (2, 3), kappa = 3 numbers a row",
    "Nothing": "encode, called with rows (2, 6), raises RuntimeError: mat1 and mat2 shapes cannot be multiplied",
    "Triple": "encode returned a tuple of 3: (2, 3), (2, 3), (2, 3): return (mu, log_var)",
    "NotANumber": "decode is not finite with its initial weights",
    "Whole": "decode is of type int64: return real numbers",
    "Constant": "no gradient reaches encode",
    "OnALeaf": "mu.weight changes when encode or decode is called, and optimisers alone change parameters",
    "Clipping": "mu.weight changes when encode or decode is called in evaluation",
    "Counting": "calls changes when encode or decode is called in evaluation",
    "Logging": "SEEN changes when encode or decode is called in evaluation",
    "Remembering": "last changes when encode or decode is called in training",
    "Unseeded": "shift is another one each time the network is built",
    "Drawing": "encode's mu differs from call to call in evaluation",
    "DrawingFromNumPy": "draws from NumPy's own generator while it trains",
    "Configured": "reads the environment variable WIDTH",
    "NoDecode": "has no encode",
    "Hidden": "layers holds layers in a list, out of sight: use nn.ModuleList",
    "Once": "kernel is made of parameters once",
    "Leaving": "cannot be built (SystemExit: 3)",
    "Unsure": "cannot be built (RuntimeError: Trying to create tensor with negative dimension -1",
    "Squeezed": "encode's mu has shape (3,) for 1 row: return (1, 3), kappa = 3 numbers a row",
    "Capped": "decode has shape (64, 6) for 257 rows: return (257, 6), d = 6 numbers a row",
    "Frozen": "no gradient reaches decode",
}


@pytest.fixture
def written(tmp_path):
    (tmp_path / "nets.py").write_text(HEAD + NETWORKS + WRONG)
    return tmp_path


def launched(folder, name, *options):
    return launch_here(f"nets.py:{name}", "--home", "home", "--no-mirror", *options, cwd=folder)


@pytest.mark.parametrize("options", [(), ("--plan",)])
def test_all_that_is_wrong_is_told_at_once_before_anything_is_started(written, options):
    result = launched(written, "wrong", *options)
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert len(lines) == len(SENTENCES), result.stderr
    assert "GARBLED" not in result.stdout + result.stderr
    for line, (name, words) in zip(lines, SENTENCES.items(), strict=True):
        assert line.startswith(f"error: {name}"), line
        assert words in line
        assert line.endswith(f" (net={name}, 2 trials)")
    assert not (written / "home").exists()


def test_wrong_data_are_told_at_once_too(written):
    result = launched(written, "wrong_data")
    assert result.returncode == 2
    words = ["has masked values", "holds object: convert it to float", "holds complex numbers", "has the fields a, b"]
    for line, part in zip(result.stderr.splitlines(), words, strict=True):
        assert part in line
    assert not (written / "home").exists()


def test_what_is_only_odd_trains_and_what_is_carried_otherwise_is_said_once(written):
    result = launched(written, "sound")
    assert result.returncode == 0, result.stderr
    told = launched(written, "told", "--plan").stdout
    assert told.count("Branching trains one by one: vmap: It looks like") == 1
    assert "NumPyDrawn trains" not in told
    assert told.count("Sigmoid.decode returns nothing below 0, and data are centred") == 1
    assert told.count("Tanh.decode returns nothing beyond ±1, and these data reach ±9.5: subtract") == 1
    assert {row["status"] for row in read(Home(written / "home"), "trials").to_pylist()} == {"finished"}
