"""What the README shows works as it stands there."""

import contextlib
import re
from pathlib import Path
from typing import Any

from launches import launch_here

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STUDY, LAUNCH, DATA, RECORDS = re.findall(r"```python\n(.*?)```", README, re.S)
"""The examples: a study, its launch from Python, data of one's own, and records read from Python."""


def test_the_example_study_is_ten_lines_and_runs(tmp_path, monkeypatch):
    assert len(STUDY.strip().splitlines()) <= 10
    (tmp_path / "my_studies.py").write_text(STUDY)
    result = launch_here("my_studies.py:my_grid", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "18 declared, 0 already there, 18 finished" in result.stdout
    assert re.search(r"fixed 1 .*3 unfit +3 unfit", result.stdout), result.stdout  # what the conventions say of γ = 1
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        exec(LAUNCH.replace('home="runs"', 'home="runs", mirror=False'), names)
        exec(RECORDS.replace("grid_gamma", "my_grid"), names)
    assert [(each.declared, each.already_there) for each in names["done"].studies] == [(18, 18)]
    assert len(names["frame"]) == 18


RINGS = """
from study import VAE, Fixed, Objective, Training, Trial, study


@study(kappa=[1, 2])
def rings(kappa):
    'A circle.'
    return Trial(
        data=data, model=VAE(kappa=kappa), objective=Objective(gamma=Fixed(0.1)), training=Training(steps=20), seed=0
    )
"""


def test_the_example_of_own_data_is_ten_lines_and_runs(tmp_path):
    assert len(DATA.strip().splitlines()) <= 10
    (tmp_path / "my_data.py").write_text(DATA + RINGS)
    result = launch_here("my_data.py:rings", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 declared, 0 already there, 2 finished" in result.stdout


def test_the_set_up_commands_stand_at_the_top():
    top = README.splitlines()[:12]
    assert any(line.strip().startswith("make study") for line in top)
    assert any(line.strip().startswith("make test") for line in top)
