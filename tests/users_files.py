"""Files of a user's, each with a study, launched into a home without training anything."""

from pathlib import Path

import pytest

from study.launch.find import find
from study.plan.plan import make_plan, write_plan
from study.record import Home

STUDY = '''
from study import VAE, Learned, Objective, PlantedManifold, Training, Trial, study

RUNS.append(1)


@study(seed=range(2))
def {name}(seed):
    """What is asked?"""
    objective, training = Objective(gamma=Learned()), Training(steps=10)
    return Trial(data=PlantedManifold(), model=VAE(kappa=2), objective=objective, training=training, seed=seed)

'''

CLAIM = """
from analysis import Claim, Comparison, at_least, computed


@{name}.claims
def says(view):
    many = Comparison("trials", computed(len(view.trials)), at_least(1))
    return [Claim("data", "it is so", "source", comparisons=[many], trials=len(view.trials))]
"""


def planned(folder: Path, body: str = CLAIM, name: str = "mine") -> Home:
    """A home into which a user's file was launched, with nothing trained."""
    (folder / f"{name}_file.py").write_text((STUDY + body).replace("{name}", name))
    home = Home(folder / "runs")
    write_plan(make_plan(find(f"{name}_file.py:{name}"), "laptop", home), home)
    return home


def forget_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process."""
    monkeypatch.setattr("study.launch.find._LOADED", {})
