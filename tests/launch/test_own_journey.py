"""A user's own network, loss term, metric and data: from one file to a report in one launch, and again after each edit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from launches import launch_here
from painted_pictures import paint

from analysis import results
from study import load

SCRIPT = '''
import numpy as np
import torch
from torch import nn

from layers import halved
from study import AdamW, Cosine, Fixed, ImageFolder, Learned, Objective, Own, OwnData, OwnMetric, OwnTerm
from study import Training, Trial, study


class Convolutional(nn.Module):
    image = True

    def __init__(self, kappa, colours, width=4):
        super().__init__()
        self.body = nn.Sequential(halved(colours, width), halved(width, width), nn.Flatten(), nn.Dropout(0.1))
        self.mu, self.log_var = nn.Linear(4 * width, kappa), nn.Linear(4 * width, kappa)
        self.out = nn.Sequential(
            nn.Linear(kappa, 4 * width), nn.Unflatten(1, (width, 2, 2)), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Upsample(scale_factor=4), nn.Conv2d(width, colours, 3, padding=1),
        )

    def encode(self, x):
        h = self.body(x)
        return self.mu(h), self.log_var(h)

    def decode(self, z):
        return self.out(z)


def table(path):
    x = np.loadtxt(path, delimiter=",")
    return x[:32], x[32:]


def fourth(mu):
    return mu.pow(4).sum(-1)


def overlap(network, data):
    mu, _ = network.encode(data.test)
    return torch.corrcoef(mu.T).fill_diagonal_(0).abs().max()


def trial(data, colours, gamma, weight):
    return Trial(
        data=data,
        model=Own.of(Convolutional, kappa=2, colours=colours),
        objective=Objective(gamma=gamma, terms=(OwnTerm.of(fourth, weight=weight),)),
        training=Training(optimiser=AdamW(weight_decay=0.01), schedule=Cosine(), clip=5.0, epochs=3, batch=16, lr=1e-2),
        metrics=(OwnMetric.of(overlap, {"overlap": ("-", "largest correlation of two latents")}),),
        seed=0,
    )


@study(gamma=[Fixed(0.1), Learned()], weight=[0.0, 0.1])
def numbers(gamma, weight):
    """Does a penalty on the fourth moment keep the latents of a table apart?"""
    data = OwnData.of(table, d=64, n=32, image=(8, 8), files=["x.csv"], path="x.csv")
    return trial(data, 1, gamma, weight)


@study(gamma=[Fixed(0.1), Learned()], weight=[0.0, 0.1])
def pictures(gamma, weight):
    """And of a folder of pictures?"""
    return trial(ImageFolder.of("pictures", size=8), 3, gamma, weight)
'''

LAYERS = """
from torch import nn


def halved(before, after):
    return nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU())
"""


def begin(folder: Path) -> Path:
    """The user's folder: the script, a module beside it, a table and some pictures."""
    (folder / "exp.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "layers.py").write_text(LAYERS, encoding="utf-8")
    np.savetxt(folder / "x.csv", np.random.default_rng(0).random((48, 64)), delimiter=",")
    paint(folder / "pictures", n=40, size=8)
    return folder


def launch(folder: Path, name: str) -> str:
    done = launch_here(f"exp.py:{name}", "--home", "home", "--no-mirror", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "d"), [("numbers", 64), ("pictures", 192)])
def test_a_network_term_and_metric_of_ones_own_go_from_file_to_report(name, d, tmp_path):
    assert "4 declared, 0 already there, 4 finished" in launch(begin(tmp_path), name)
    report = (tmp_path / f"home/studies/{name}/report/index.html").read_text(encoding="utf-8")
    for words in ("overlap", "largest correlation of two latents", "fourth_test"):
        assert words in report
    rows = results(name, tmp_path / "home")
    assert {"gamma", "weight", "overlap", "fourth_test", "fourth_train"} <= set(rows.columns)
    assert rows["overlap"].between(0, 1).all()
    network: Any = load(rows["trial_id"][0], tmp_path / "home")
    with torch.no_grad():
        mu, _ = network.encode(torch.rand(3, d))
        assert network.decode(mu).shape == (3, d)


EDITS = {
    "module": ("layers.py", "nn.ReLU()", "nn.SiLU()"),
    "term": ("exp.py", "mu.pow(4)", "mu.pow(6)"),
    "metric": ("exp.py", "abs().max()", "abs().mean()"),
    "network": ("exp.py", "nn.Dropout(0.1)", "nn.Dropout(0.2)"),
    "data": ("x.csv", "\n", "1\n"),
}


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder in which `numbers` was launched."""
    folder = begin(tmp_path_factory.mktemp("launched"))
    launch(folder, "numbers")
    return folder


@pytest.mark.parametrize("edited", EDITS)
def test_what_a_result_stands_on_is_trained_again_after_an_edit(edited, launched):
    name, before, after = EDITS[edited]
    text = (launched / name).read_text(encoding="utf-8")
    assert before in text
    (launched / name).write_text(text.replace(before, after, 1), encoding="utf-8")
    try:
        assert "4 declared, 0 already there, 4 finished" in launch(launched, "numbers")
    finally:
        (launched / name).write_text(text, encoding="utf-8")


def test_what_did_not_change_is_there_already(launched):
    assert "4 already there" in launch(launched, "numbers")
