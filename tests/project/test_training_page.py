"""What docs/training.md shows works as it stands there."""

import re
from pathlib import Path
from typing import Any

from models.specs.optimisers import Optimiser
from models.specs.schedules import Schedule
from models.specs.vocabulary import members
from study import launch

PAGE = (Path(__file__).parents[2] / "docs/training.md").read_text(encoding="utf-8")


def test_the_example_runs_and_its_numbers_share_packs(tmp_path, monkeypatch):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    (tmp_path / "my_training.py").write_text(example.replace("epochs=40", "epochs=4").replace("every=40", "every=5"))
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, Any] = {}
    exec("from my_training import my_training", names)
    rows = names["my_training"].table("laptop").rows()
    assert len({row.trial.pack_key for row in rows}) == 2  # AdamW's and SGD's
    done = launch(names["my_training"], home=tmp_path / "runs", mirror=False)
    assert done, done.failures
    (study,) = done.studies
    assert study.declared == study.finished == 12


def test_every_optimiser_and_schedule_is_on_the_page():
    for kind in (*members(Optimiser), *members(Schedule)):
        assert re.search(rf"^\| `{kind.__name__}\(", PAGE, re.M), kind
