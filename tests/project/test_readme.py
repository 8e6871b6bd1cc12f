"""What the README shows works as it stands there."""

import re
from pathlib import Path

from launches import launch_here

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_study_is_ten_lines_and_runs(tmp_path):
    example = re.findall(r"```python\n(.*?)```", README, re.S)[0]
    assert len(example.strip().splitlines()) <= 10
    (tmp_path / "my_studies.py").write_text(example)
    result = launch_here("my_studies.py:my_grid", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "18 declared, 0 already there, 18 finished" in result.stdout
    assert re.search(r"fixed 1 .*3 unfit +3 unfit", result.stdout), result.stdout  # what the conventions say of γ = 1
    check = re.findall(r"```python\n(.*?)```", README, re.S)[2].replace("grid_gamma", "my_grid")
    places: dict[str, object] = {}
    import os

    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        exec(check, places)
    finally:
        os.chdir(before)
    assert len(places["frame"]) == 18  # pyright: ignore[reportArgumentType]


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
    example = re.findall(r"```python\n(.*?)```", README, re.S)[1]
    assert len(example.strip().splitlines()) <= 10
    (tmp_path / "my_data.py").write_text(example + RINGS)
    result = launch_here("my_data.py:rings", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 declared, 0 already there, 2 finished" in result.stdout


def test_every_file_the_readme_names_exists():
    for name in re.findall(r"`((?:study|models|analysis)/[\w/]+(?:\.py)?)`", README):
        path = ROOT / name
        assert path.exists() or path.with_suffix(".py").exists(), name


def test_the_set_up_commands_stand_at_the_top():
    top = README.splitlines()[:12]
    assert any(line.strip().startswith("make study") for line in top)
    assert any(line.strip().startswith("make test") for line in top)
