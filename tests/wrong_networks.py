"""Networks and data with one thing wrong each, and studies of them; they stand below `own_networks.NETWORKS`."""

HEAD = """
import os
import warnings

from study import Fixed, Objective, Own, OwnData, PlantedManifold, Training, Trial, study
"""

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


class Squeezed(Plain):
    def encode(self, x):
        return [part.squeeze() for part in super().encode(x)]


class Capped(Plain):
    def decode(self, z):
        return super().decode(z)[:64]


class Frozen(Plain):
    def decode(self, z):
        with torch.no_grad():
            return super().decode(z)


class Sigmoid(Plain):
    def decode(self, z):
        return super().decode(z).sigmoid()


class Tanh(Plain):
    def decode(self, z):
        return super().decode(z).tanh()


def table():
    return np.zeros((20, 6)) + np.arange(20)[:, None], np.ones((5, 6)) * np.arange(5)[:, None]


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
            Remembering, Unseeded, Drawing, DrawingFromNumPy, Configured, NoDecode, Hidden, Once, Leaving, Unsure, Squeezed,
            Capped, Frozen, Unused],
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


@study(net=[Branching, NumPyDrawn, Sigmoid, Tanh], seed=range(2))
def told(net, seed):
    """One of them trains one by one, and two cannot reach their data."""
    return trial(net, seed, OwnData.of(table, d=6, n=20) if net is Tanh else None)
'''
