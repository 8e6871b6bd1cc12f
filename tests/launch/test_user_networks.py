"""A network that takes its parts from the user's own `models` and `study`: its source is whole without these files."""

from pathlib import Path
from typing import Any

import torch

from models.networks.build import build
from study.launch.find import find

FILES = {
    "models/__init__.py": "",
    "models/layers.py": """
from torch import nn


class Encoder(nn.Module):
    def __init__(self, d, kappa, width):
        super().__init__()
        self.hidden, self.mu, self.log_var = nn.Linear(d, width), nn.Linear(width, kappa), nn.Linear(width, kappa)

    def forward(self, x):
        hidden = self.hidden(x).tanh()
        return self.mu(hidden), self.log_var(hidden)
""",
    "study.py": """
from study import Trial

WIDTH = 5


def scaled(x):
    return 2 * x
""",
    "exp.py": '''
from models.layers import Encoder
from torch import nn

from study import WIDTH, Fixed, Objective, Own, PlantedManifold, Training, Trial, scaled, study


class Net(nn.Module):
    def __init__(self, d, kappa):
        super().__init__()
        self.encoder, self.decoder = Encoder(d, kappa, WIDTH), nn.Linear(kappa, d)

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return scaled(self.decoder(z))


@study(kappa=[2])
def own(kappa):
    """What is asked?"""
    data, objective = PlantedManifold(d=8, r=2, n=64, n_test=32), Objective(gamma=Fixed(1.0))
    return Trial(data=data, model=Own.of(Net, kappa=kappa), objective=objective, training=Training(steps=5), seed=0)
''',
}


def declared(folder: Path, **changes: str):
    """The trial that the user's file declares, with other text in some files; all of them are gone afterwards."""
    folder.mkdir()
    for name, text in (FILES | changes).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (row,) = find(f"{folder}/exp.py").table("laptop").rows()
    for name in FILES:
        (folder / name).unlink()
    return row.trial


def test_it_is_built_without_the_files(tmp_path):
    trial = declared(tmp_path / "a")
    network: Any = build(trial.model, trial, 0)
    assert network.encoder.hidden.out_features == 5
    z = torch.ones(3, 2)
    assert torch.equal(network.decode(z), 2 * network.decoder(z))


def test_an_edit_of_either_is_another_trial_and_another_folder_is_not(tmp_path):
    first = declared(tmp_path / "a")
    assert declared(tmp_path / "b").trial_id == first.trial_id
    wider = FILES["study.py"].replace("5", "6")
    assert declared(tmp_path / "c", **{"study.py": wider}).trial_id != first.trial_id
    flat = FILES["models/layers.py"].replace(".tanh()", ".relu()")
    assert declared(tmp_path / "d", **{"models/layers.py": flat}).trial_id != first.trial_id


def test_relative_imports_are_followed_by_the_names_that_the_user_knows(tmp_path):
    def within(folder, layers=FILES["models/layers.py"]):
        package = tmp_path / folder / "pack"
        package.mkdir(parents=True)
        own = (
            FILES["exp.py"].replace("from models.layers", "from .layers").replace("WIDTH, ", "").replace(", scaled", "")
        )
        own = own.replace("WIDTH", "5").replace("scaled(self.decoder(z))", "self.decoder(z)")
        for name, text in {"__init__": "from . import layers\n", "layers": layers, "exp": own}.items():
            (package / f"{name}.py").write_text(text)
        (row,) = find(f"{package}/exp.py").table("laptop").rows()
        for name in ("__init__", "layers", "exp"):
            (package / f"{name}.py").unlink()
        return row.trial

    first = within("a")
    assert "collapsar" not in first.model.source
    assert "pack.layers" in first.model.modules
    assert within("b").trial_id == first.trial_id
    assert within("c", FILES["models/layers.py"].replace(".tanh()", ".relu()")).trial_id != first.trial_id
    network: Any = build(first.model, first, 0)
    assert network.encoder.hidden.out_features == 5
