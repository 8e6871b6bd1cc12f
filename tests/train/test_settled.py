"""What declaration and seed do not settle of a network, and what no stack can hold, is refused by name, in one sentence."""

import pytest
import torch
from own_networks import NETWORKS
from trained_stacks import train_stack
from user_modules import write_module

from study import Fixed, Objective, Own, OwnTerm, PlantedManifold, Training, Trial
from study.train.rehearsal import rehearse

BUILT = (
    NETWORKS + "\nclass Net(Plain):\n    def __init__(self, d, kappa):\n        super().__init__(d, kappa)\n        "
)
CALLED = NETWORKS + "\nclass Net(Plain):\n    def features(self, x):\n        "
HOOKED = (
    "calls = []\n        self.body.register_forward_hook(lambda m, _, out: (m.training and calls.append(0), out)[1])"
)
BAG = "import types\n        self.bag = types.SimpleNamespace(layer=nn.Linear(d, d))"
COUNTING = (
    NETWORKS
    + """
class Schedule:
    __slots__ = ("n",)

    def __init__(self):
        self.n = 0

class Net(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.schedule = Schedule()

    def features(self, x):
        self.schedule.n += self.training
        return super().features(x)
"""
)

REFUSED = {
    "an array drawn from the seed": (BUILT + "self.order = np.random.permutation(d)", "order differs from seed to seed"),
    "a number drawn from the seed": (BUILT + "self.scale = float(torch.rand(()))", "scale differs from seed to seed"),
    "as many layers as drawn": (
        BUILT + "self.norm = nn.Sequential(*(nn.Linear(8, 8) for _ in range(np.random.randint(9))))",
        "differs from seed to seed",
    ),
    "a tensor of the first call": (
        NETWORKS + "\nclass Net(Plain):\n    at = None\n\n    def features(self, x):\n        if self.at is None:\n"
        "            self.at = torch.randn(8)\n        return super().features(x) + self.at\n",
        "at differs from seed to seed",
    ),
    "parameters kept by a property": (
        NETWORKS + "\nimport functools\n\nclass Net(Plain):\n    @functools.cached_property\n    def basis(self):\n"
        "        return torch.linalg.qr(self.body.weight)[0]\n\n    def features(self, x):\n"
        "        return super().features(x) + x @ self.basis.T\n",
        "basis differs from seed to seed",
    ),
    "a seed made of a text": (
        BUILT + "self.register_buffer('w', torch.tensor(np.random.default_rng(abs(hash('w'))).random(d)))",
        "Net is another network in another process",
    ),
    "the order of a set": (
        BUILT + "self.names = list({'sin', 'cos', 'tanh', 'exp', 'log', 'sqrt', 'abs', 'neg'})",
        "Net is another network in another process",
    ),
    "a hook that counts": (BUILT + HOOKED, "body._forward_hooks changes"),
    "an iterator": (
        NETWORKS + "\nclass Net(Plain):\n    def __init__(self, d, kappa):\n        super().__init__(d, kappa)\n"
        "        self.betas = iter(range(10**6))\n\n    def features(self, x):\n"
        "        return super().features(x + (next(self.betas) if self.training else 0))\n",
        "betas changes when encode or decode is called in training",
    ),
    "slots that count": (COUNTING, "schedule changes when encode or decode is called in training"),
    "a write of the same numbers": (
        CALLED + "with torch.no_grad():\n            self.body.weight.clamp_(-9, 9)\n        return super().features(x)",
        "body.weight changes when encode or decode is called, and optimisers alone change parameters",
    ),
    "a tied transpose": (
        BUILT + "self.other = nn.Linear(8, d)\n        self.other.weight = nn.Parameter(self.body.weight.t())",
        "other.weight shares its memory with Net.body.weight",
    ),
    "a buffer on a parameter": (
        BUILT + "self.register_buffer('w', self.body.weight.data[:2])",
        "w shares its memory with Net.body.weight",
    ),
    "a sparse buffer": (BUILT + "self.register_buffer('adj', torch.eye(d).to_sparse())", "adj is sparse: make it dense"),
    "a layer without numbers": (BUILT + "self.extra = nn.Linear(d, d, device='meta')", "extra.weight is on the device meta"),
    "a tensor of another class": (
        NETWORKS + "\nclass Mine(torch.Tensor):\n    pass\n"
        + BUILT.removeprefix(NETWORKS) + "self.register_buffer('w', torch.ones(d).as_subclass(Mine))",
        "w is a Mine: make it a plain tensor",
    ),
    "layers in an object": (BUILT + BAG, "bag holds layers in a SimpleNamespace, out of sight"),
    "a file that training reads": (
        CALLED + "return super().features(x * (len(open('w.txt').read()) if self.training else 1))",
        "w.txt, which no declaration holds",
    ),
    "a variable that a call reads": (
        "import os\n" + CALLED + "return super().features(x * float(os.environ.copy().get('SCALE', 1)))",
        "reads the environment variable",
    ),
}  # fmt: skip


def trial_of(module, terms=()):
    return Trial(
        data=PlantedManifold(d=6, r=2, n=96, n_test=40),
        model=Own.of(module.Net, kappa=3),
        objective=Objective(gamma=Fixed(0.5), terms=terms),
        training=Training(steps=6, batch=32, lr=1e-2),
        seed=0,
    )


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_before_anything_is_started(name, tmp_path, monkeypatch):
    source, words = REFUSED[name]
    (tmp_path / "w.txt").write_text("2")
    monkeypatch.chdir(tmp_path)
    (fault,) = rehearse(trial_of(write_module(tmp_path, source))).faults
    assert words in fault
    assert "\n" not in fault


SIBLING = "STEP = 0\n\ndef warmed(net, x):\n    global STEP\n    STEP += net.training\n    return x * min(1, STEP)\n"


def test_a_counter_of_another_module_is_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "counting_layers.py").write_text(SIBLING)
    source = "import counting_layers\n" + CALLED + "return counting_layers.warmed(self, super().features(x))"
    (fault,) = rehearse(trial_of(write_module(tmp_path, source))).faults
    assert "counting_layers.STEP changes when encode or decode is called in training" in fault


TERM = (
    NETWORKS
    + """
class Net(Plain):
    pass

def warmed(mu):
    warmed.calls += 1
    return mu.pow(2).sum(-1) * min(1.0, warmed.calls / 60)

warmed.calls = 0
"""
)


def test_a_loss_term_that_counts_is_refused(tmp_path):
    module = write_module(tmp_path, TERM)
    (fault,) = rehearse(trial_of(module, (OwnTerm.of(module.warmed),))).faults
    assert fault.startswith("warmed changes warmed when it is called")
    assert "ask for the argument `step`" in fault


RECURRENT = (
    NETWORKS
    + """
class Net(nn.Module):
    def __init__(self, d, kappa):
        super().__init__()
        self.rnn = nn.GRU(1, 5, batch_first=True)
        self.mu, self.log_var, self.out = nn.Linear(5, kappa), nn.Linear(5, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        h = self.rnn(x.unsqueeze(-1))[1][-1]
        return self.mu(h), self.log_var(h)

    def decode(self, z):
        return self.out(z)
"""
)


def test_a_recurrent_layer_trains_the_weights_that_it_uses(tmp_path):
    trial = trial_of(write_module(tmp_path, RECURRENT))
    assert rehearse(trial).faults == []
    start, end = (
        train_stack([trial.model_copy(update={"training": Training(steps=steps, batch=32)})])[0] for steps in (1, 9)
    )
    for part in ("weight_ih_l0", "weight_hh_l0", "bias_hh_l0"):
        before, after = (run.stack.weights()[f"network.rnn.{part}"] for run in (start, end))
        assert not torch.allclose(before, after, atol=1e-4), part


NARROWED = {
    "self.register_buffer('w', torch.ones(2, dtype=torch.complex128))": "Net.w is complex128 and becomes complex64",
    "self.log_var = nn.Sequential(self.log_var, Halved())": "Net.encode's log_var is float16 and becomes float32",
}


@pytest.mark.parametrize("line", NARROWED)
def test_numbers_of_another_type_become_the_trials_and_that_is_said(line, tmp_path):
    halved = "\nclass Halved(nn.Module):\n    def forward(self, x):\n        return x.half()\n"
    found = rehearse(trial_of(write_module(tmp_path, NETWORKS + halved + BUILT.removeprefix(NETWORKS) + line)))
    assert found.faults == []
    assert any(note.startswith(NARROWED[line]) for note in found.notes)
