"""Rows of a study, trained in this process, and their records."""

from types import SimpleNamespace

from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun


def shorter(rows, steps):
    """The rows with fewer training steps: other trials, of which the same is asked."""
    update = {"training": rows[0].trial.training.model_copy(update={"steps": steps})}
    return [SimpleNamespace(axes=row.axes, trial=row.trial.model_copy(update=update)) for row in rows]


def train_rows(rows, place):
    """Train the rows as packs of one shape, and return their records with the MMD."""
    home, keys = Home(place), {}
    for row in rows:
        keys.setdefault(row.trial.pack_key, []).append(row.trial)
    for trials in keys.values():
        pack = PackRun(make_pack(trials, {}))
        while not pack.done:
            pack.advance(60)
        pack.commit(home)
    trials = read(home, "trials").to_pandas()
    rows = read(home, "evaluations").to_pandas()
    mmd = rows.loc[rows["metric"].eq("mmd_imq"), ["trial_id", "value", "standard_error"]]
    return trials.merge(mmd, on="trial_id").set_index("trial_id")


def take_steps(run, until):
    while run.training.step < until:
        run.training.take_step()
