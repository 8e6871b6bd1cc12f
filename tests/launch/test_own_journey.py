"""All of a user's own in one study, from file to report in one launch, and again where any part of it changes."""

from pathlib import Path

import numpy as np
import pytest
from launches import launch_here
from painted_pictures import paint

import study
from analysis import results
from study.errors import FaultsError
from study.launch.find import find
from study.train.weights import load

LAYERS = """
from torch import nn

SLOPE = 0.1


def block(channels, out, stride=1):
    conv = nn.Conv2d(channels, out, 3, stride, 1)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.LeakyReLU(SLOPE, inplace=True), nn.Dropout2d(0.1))
"""

STUDY = """
import numpy as np
import torch
from torch import nn

from layers import block
from study import AdamW, Cosine, Fixed, ImageFolder, Learned, Objective, Own, OwnData, OwnMetric, OwnTerm, Training, Trial
from study import study


class ConvVAE(nn.Module):
    image = True

    def __init__(self, d, kappa, channels=1, size=8):
        super().__init__()
        self.size = size
        self.body, self.head = block(channels, 4, 2), nn.Linear(4 * (size // 2) ** 2, 2 * kappa)
        self.up, self.out = nn.Linear(kappa, 4 * size**2), nn.Conv2d(4, channels, 3, 1, 1)

    def encode(self, x):
        return self.head(self.body(x).flatten(1)).chunk(2, -1)

    def decode(self, z):
        return self.out(self.up(z).view(-1, 4, self.size, self.size))


def table(path):
    x = np.loadtxt(path, delimiter=",")
    return x[:48], x[48:]


def fourth_moment(mu, power=4):
    return mu.pow(power).sum(-1)


def overlap(network, data):
    mu, _ = network.encode(data.test)
    return torch.corrcoef(mu.T).fill_diagonal_(0).abs().max()


CSV = OwnData.of(table, d=64, n=48, image=(8, 8), files=["x.csv"], path="x.csv")
PICTURES = ImageFolder.of("pictures", size=8)
TRAINING = Training(optimiser=AdamW(weight_decay=0.01), schedule=Cosine(), clip=5.0, epochs=2, batch=16, lr=1e-3)
OVERLAP = OwnMetric.of(overlap, {"overlap": ("-", "largest |correlation| of two means")})


@study(data=[CSV, PICTURES], weight=[0.0, 0.1], seed=range(2))
def mine(data, weight, seed):
    \"\"\"Does a penalty keep latents apart?\"\"\"
    objective = Objective(gamma=Learned(), terms=(OwnTerm.of(fourth_moment, weight=weight),))
    model = Own.of(ConvVAE, kappa=3, channels=3 if data is PICTURES else 1)
    return Trial(data=data, model=model, objective=objective, training=TRAINING, metrics=(OVERLAP,), seed=seed)
"""

CHANGES = {
    "the CSV": ("x.csv", None, 4),
    "a module beside it": ("layers.py", ("SLOPE = 0.1", "SLOPE = 0.2"), 8),
    "the network": ("exp.py", ("4 * size**2), nn", "4 * size**2, bias=False), nn"), 8),
    "the term": ("exp.py", ("power=4", "power=2"), 8),
    "the metric": ("exp.py", (".abs().max()", ".abs().mean()"), 8),
    "a comment": ("exp.py", ("def overlap", "# what is measured\ndef overlap"), 0),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of the user's with a home in it, after one launch."""
    folder: Path = tmp_path_factory.mktemp("mine")
    (folder / "layers.py").write_text(LAYERS)
    (folder / "exp.py").write_text(STUDY)
    np.savetxt(folder / "x.csv", np.random.default_rng(0).random((64, 64)), delimiter=",")
    paint(folder / "pictures", n=40, size=8)
    launched = launch_here("exp.py:mine", "--home", "runs", "--no-mirror", cwd=folder)
    assert launched.returncode == 0, launched.stdout + launched.stderr
    assert "8 declared, 0 already there, 8 finished" in launched.stdout
    return folder


def test_one_launch_ends_with_a_report_that_shows_the_users_numbers(folder):
    report = (folder / "runs/studies/mine/report/index.html").read_text(encoding="utf-8")
    for word in (
        "largest |correlation| of two means",
        "fourth moment test",
        "mean of the loss term fourth_moment, test set",
    ):
        assert word in report
    frame = results("mine", folder / "runs")
    assert frame["overlap"].between(0, 1).all()
    assert frame["fourth_moment_test"].gt(0).all()
    assert set(frame["optimiser"]) == {"AdamW"}
    network = load(frame["trial_id"][0], folder / "runs")
    assert type(network.network).__name__ == "ConvVAE"


def test_data_that_changed_since_they_were_declared_are_refused_even_where_nothing_is_missing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    mine, before = find("exp.py:mine"), (folder / "x.csv").read_bytes()
    np.savetxt(folder / "x.csv", np.random.default_rng(2).random((64, 64)), delimiter=",")
    try:
        with pytest.raises(
            FaultsError, match=r"x\.csv has changed since table was declared: run the cell or file with OwnData"
        ):
            study.launch(mine, home="runs", quiet=True)
    finally:
        (folder / "x.csv").write_bytes(before)


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_result_stands_on_is_trained_again_when_it_changes(name, folder):
    file, change, missing = CHANGES[name]
    before = (folder / file).read_bytes()
    if change:
        assert change[0] in before.decode()
        (folder / file).write_text(before.decode().replace(*change))
    else:
        np.savetxt(folder / file, np.random.default_rng(1).random((64, 64)), delimiter=",")
    try:
        planned = launch_here("exp.py:mine", "--home", "runs", "--plan", cwd=folder)
    finally:
        (folder / file).write_bytes(before)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert f"8 trials declared, {8 - missing} already there, {missing} to train" in planned.stdout


DYNAMIC = """
import importlib

from torch import nn

from study import Fixed, Objective, Own, OwnData, PlantedManifold, Training, Trial, study


class Net(nn.Module):
    def __init__(self, d, kappa):
        super().__init__()
        block = importlib.import_module("layers").SLOPE
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


def table():
    return importlib.import_module("lay" + "ers").table()


@study(data=[PlantedManifold(d=6, r=2, n=64, n_test=32), OwnData.of(table, d=6, n=9)], seed=[0])
def dynamic(data, seed):
    \"\"\"What of this is the trial's?\"\"\"
    training = Training(steps=3, batch=8)
    return Trial(data=data, model=Own.of(Net, kappa=2), objective=Objective(gamma=Fixed(0.1)), training=training, seed=seed)
"""


def test_a_module_of_the_users_that_no_source_can_follow_is_refused(tmp_path):
    (tmp_path / "layers.py").write_text("SLOPE = 1\n")
    (tmp_path / "dynamic.py").write_text(DYNAMIC)
    refused = launch_here("dynamic.py:dynamic", "--home", "runs", "--plan", cwd=tmp_path)
    assert refused.returncode == 2
    sentence = "layers is yours, and imported in a way that no source can follow: write `import layers`"
    lines = refused.stderr.splitlines()
    assert [line.split()[1].partition("(")[0] for line in lines] == ["Net", "table"]
    assert all(sentence in line for line in lines)
