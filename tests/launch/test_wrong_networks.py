"""What is wrong with a network or data of the user's is refused before anything is started, each in one sentence."""

import pytest
from launches import launch_here
from own_networks import NETWORKS

from study.record import Home, read

WRONG = '''
class Raising(Plain):
    def encode(self, x):
        warnings.warn("GARBLED")
        raise RuntimeError("not today")


class Narrow(Plain):
    def decode(self, z):
        return super().decode(z)[:, :1]


class WideLatent(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa + 1)


class Nothing(Plain):
    def encode(self, x):
        self.mu(x[:, :8])


class Triple(Plain):
    def encode(self, x):
        mu, log_var = super().encode(x)
        return mu, mu, log_var


class NotANumber(Plain):
    def decode(self, z):
        return super().decode(z) * float("nan")


class Whole(Plain):
    def decode(self, z):
        return super().decode(z).long()


class Constant(Plain):
    @torch.no_grad()
    def encode(self, x):
        return super().encode(x)

    def decode(self, z):
        return super().decode(z).detach()


class OnALeaf(Plain):
    def encode(self, x):
        self.mu.weight.mul_(0.9)
        return super().encode(x)


class Clipping(Plain):
    def encode(self, x):
        self.mu.weight.data.mul_(0.9)
        return super().encode(x)


class Counting(Plain):
    calls = 0

    def encode(self, x):
        self.calls += 1
        return super().encode(x)


SEEN = []


class Logging(Plain):
    def encode(self, x):
        SEEN.append(len(x))
        return super().encode(x)


class Remembering(Plain):
    def encode(self, x):
        if self.training:
            self.last = x.mean().item()
        return super().encode(x)


class Unseeded(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.shift = np.random.default_rng().normal()

    def decode(self, z):
        return super().decode(z) + self.shift


class Drawing(Plain):
    def encode(self, x):
        return super().encode(x + 0.1 * torch.randn_like(x))


class DrawingFromNumPy(Plain):
    def encode(self, x):
        return super().encode(x + 0.1 * np.random.randn() if self.training else x)


class Configured(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa, int(os.environ.get("WIDTH", 8)))


class NoDecode(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 3)

    def forward(self, x):
        return self.body(x)


class Hidden(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.layers = [nn.Linear(d, d)]

    def encode(self, x):
        return super().encode(self.layers[0](x))


class Once(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.kernel = self.out.weight.exp()


class Leaving(Plain):
    def __init__(self, d, kappa):
        raise SystemExit(3)


class Unsure(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa, -1)


class Unused(Plain):
    """Nothing is wrong with a layer that is never called, or with printing."""

    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.idle = nn.Linear(3, 3)

    def encode(self, x):
        print("GARBLED")
        return super().encode(x)


def table(d, n):
    return np.zeros((20, d)) + np.arange(20)[:, None], np.ones((5, d)) * np.arange(5)[:, None]


def masked():
    x = np.ma.masked_less(np.random.default_rng(0).normal(size=(20, 6)), 0)
    return x, x


def objects():
    x = np.random.default_rng(0).normal(size=(20, 6)).astype(object)
    return x, x


def imaginary():
    x = np.random.default_rng(0).normal(size=(20, 6)) * 1j
    return x, x


def structured():
    x = np.zeros(20, [("a", float), ("b", float)])
    return x, x


def trial(net, seed, data=None):
    return Trial(data=data or PlantedManifold(d=6, r=2, n=100, n_test=50), model=Own.of(net, kappa=3),
                 objective=Objective(gamma=Fixed(0.5)), training=Training(steps=5, batch=32), seed=seed)


@study(net=[Raising, Narrow, WideLatent, Nothing, Triple, NotANumber, Whole, Constant, OnALeaf, Clipping, Counting, Logging,
            Remembering, Unseeded, Drawing, DrawingFromNumPy, Configured, NoDecode, Hidden, Once, Leaving, Unsure, Unused],
       seed=range(2))
def wrong(net, seed):
    """Wrong networks, and a sound one."""
    return trial(net, seed)


@study(source=[masked, objects, imaginary, structured], seed=range(2))
def wrong_data(source, seed):
    """Wrong data."""
    return trial(Plain, seed, OwnData.of(source, d=6, n=20))


@study(net=[Unused], seed=range(2))
def sound(net, seed):
    """Nothing is wrong."""
    return trial(net, seed)


@study(net=[Branching, NumPyDrawn], seed=range(2))
def told(net, seed):
    """One of them trains one by one."""
    return trial(net, seed)
'''
HEAD = """
import os
import warnings

from study import Fixed, Objective, Own, OwnData, PlantedManifold, Training, Trial, study
"""

SENTENCES = {
    "Raising": "encode raises RuntimeError: not today for rows of shape (2, 6)",
    "Narrow": "decode has shape (2, 1) for 2 rows, not (n, 6)",
    "WideLatent": "encode's mu has shape (2, 4) for 2 rows, not (n, 3)",
    "Nothing": "encode raises RuntimeError: mat1 and mat2 shapes cannot be multiplied",
    "Triple": "encode returned a tuple of 3: (2, 3), (2, 3), (2, 3): return (mu, log_var)",
    "NotANumber": "decode is not finite with its initial weights",
    "Whole": "decode is of type int64: return real numbers",
    "Constant": "nothing that encode and decode return depends on a trained parameter",
    "OnALeaf": "mu.weight changes when encode or decode is called in evaluation",
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
    assert {row["status"] for row in read(Home(written / "home"), "trials").to_pylist()} == {"finished"}
