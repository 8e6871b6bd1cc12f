"""Checkpoints: a pack that goes on from one ends as if nothing had happened, and one that cannot be trusted is none."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from event_log import EventLog
from torch import nn
from trained_rows import take_steps

from study import MMD, VAE, Annealed, Digits, Fixed, ImageVAE, Learned, Objective, Optimal, Own, Refit, Training, study
from study.clean import clean
from study.errors import SettingError
from study.pack.cost import CPU_CORE
from study.pack.handover import hand_over
from study.pack.pack import make_pack, make_packs
from study.plan.plan import make_plan, write_plan
from study.record import Home, HomeError, checkpoints, journal, read, read_artifacts, write_checkpoint
from study.run import checkpointing as keeping
from study.run.checkpointing import SETTING, Checkpointer, period_s
from study.run.rounds import train_round
from study.run.worker import Worker
from study.train.pack_run import PackRun

MODES = (Learned(lr=1e-2), Annealed(1.0, 0.05), Optimal(), Fixed(0.5))
STEPS, STOPS = 150, (37, 64, 101)
OF_AN_ATTEMPT = ["commit_id", "pack_id", "wall_s", "artifacts"]
"""Columns in which two trainings of a trial differ."""


class Tiny(nn.Module):
    """A network of a user's own."""

    def __init__(self, d: int, kappa: int) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(d, 2 * kappa), nn.Linear(kappa, d)
        self.register_buffer("scale", 1 + self.out.bias.detach())

    def encode(self, x: Any) -> Any:
        return self.inner(x * self.scale).chunk(2, -1)

    def decode(self, z: Any) -> Any:
        return self.out(z)


def varied(make_trial, **common):
    """Every γ mode, two seeds, a penalty, and a trial that diverges."""
    trials = [make_trial(gamma=gamma, seed=seed, steps=STEPS, **common) for gamma in MODES for seed in (0, 1)]
    penalised = Objective(gamma=Learned(), penalty=MMD(weight=3.0))
    return [
        *trials[:3],
        make_trial(lr=1e6, steps=STEPS, **common),
        *trials[3:],
        replaced(trials[0], objective=penalised),
    ]


def replaced(trial, **changes):
    return trial.model_copy(update=changes)


def a_chain(make_trial, seed):
    """An autoencoder, a VAE on its codes, a second VAE on draws of that one."""
    flat = VAE(kappa=5, encoder=(8,), decoder=(8,), post_var="none")
    first = make_trial(seed=seed, model=flat, gamma=Fixed(0.5), beta=0.0)
    second = replaced(
        first, model=VAE(kappa=3, encoder=(8,), decoder=(8,)), objective=Objective(gamma=Learned()), after=first
    )
    settings = Training(steps=STEPS, batch=64, lr=3e-3)
    return first, second, replaced(second, training=settings, after=second)


def packs(make_trial):
    """Name → the trials of a pack, and what has to be trained before them."""
    chains = [a_chain(make_trial, seed) for seed in (0, 1)]
    twins = [make_trial(gamma=Refit(), seed=seed, steps=STEPS) for seed in (0, 1)]
    image = {"data": Digits(), "model": ImageVAE(kappa=3, channels=(4,), blocks=1)}
    return {
        "vae": (varied(make_trial), []),
        "image vae": ([make_trial(gamma=gamma, steps=STEPS, **image) for gamma in MODES[:2]], []),
        "own": (varied(make_trial, model=Own.of(Tiny, kappa=3), dtype="float64"), []),
        "codes": ([replaced(second, training=third.training) for _, second, third in chains], [[c[0] for c in chains]]),
        "draws": ([third for _, _, third in chains], [[c[0] for c in chains], [c[1] for c in chains]]),
        "refit": (twins, [[trial.twin for trial in twins]]),
    }


def trained(home, trials, stops=()):
    """Train and commit a pack, stopped at some steps and gone on with by another attempt each time."""
    pack = make_pack(trials, {})
    for before, stop in zip((0, *stops), stops, strict=False):
        run, checkpointer = opened(home, pack, before)
        take_steps(run, stop)
        checkpointer.keep(run)
    run, _ = opened(home, pack, stops[-1] if stops else 0)
    take_steps(run, trials[0].training.steps)
    run.commit(home)


def opened(home, pack, expected_step):
    run, checkpointer = PackRun(pack, "cpu", home), Checkpointer(home, pack, "cpu")
    assert checkpointer.restore(run) == run.training.step == expected_step
    return run, checkpointer


def all_of_it(home, trials):
    """What the home holds of trials, without what two attempts differ in."""
    ids, content = {trial.trial_id for trial in trials}, {}
    for table in ("trials", "curves", "latents", "evaluations"):
        rows = [row for row in read(home, table).to_pylist() if row["trial_id"] in ids]
        content[table] = [{name: value for name, value in row.items() if name not in OF_AN_ATTEMPT} for row in rows]
    for row in read(home, "trials").to_pylist():
        if row["trial_id"] in ids:
            for group in ("weights", "pictures"):
                arrays = read_artifacts(home, row["artifacts"], row["trial_id"], group)
                content |= {f"{row['trial_id']} {name}": array.tobytes() for name, array in arrays.items()}
    return content


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setenv(SETTING, "0")
    monkeypatch.setattr(keeping, "TIMES_ITS_COST", 0.0)


@pytest.mark.parametrize("name", ["vae", "image vae", "own", "codes", "draws", "refit"])
@pytest.mark.usefixtures("often")
def test_a_pack_that_goes_on_from_checkpoints_ends_to_the_last_bit_as_one_that_was_not_stopped(
    make_trial, tmp_path, name
):
    trials, before = packs(make_trial)[name]
    whole, stopped = Home(tmp_path / "whole"), Home(tmp_path / "stopped")
    for home in (whole, stopped):
        for stage in before:
            trained(home, stage)
    trained(whole, trials)
    trained(stopped, trials, STOPS)
    expected = all_of_it(whole, trials)
    assert all_of_it(stopped, trials) == expected
    assert len(expected) > 4 + len(trials), "no weights were compared"
    assert ("diverged" in {row["status"] for row in expected["trials"]}) == (len(trials) > 4)


# What cannot be trusted is none


def a_checkpoint(home, trials, step=40):
    """A home that holds a pack's checkpoint; its file."""
    run = PackRun(make_pack(trials, {}), "cpu", home)
    take_steps(run, step)
    checkpointer = Checkpointer(home, run.pack, "cpu")
    checkpointer.keep(run)
    return home.local / f"checkpoints/{checkpointer._key}.safetensors"


def begun_at(home, trials, device="cpu"):
    """The step from which a new attempt goes on, once its training is seen to stand there."""
    run = PackRun(make_pack(trials, {}), "cpu", home)
    fresh = {name: value.copy() for name, value in run.state().items()}
    step = Checkpointer(home, run.pack, device).restore(run)
    now = run.state()
    assert run.training.step == step
    assert step or all(np.array_equal(now[name], fresh[name]) for name in fresh), "half a checkpoint was taken"
    return step


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def of_other_code(path):
    """Whole and true to its name, but of a state that this code does not know."""
    home = Home(path.parents[1])
    (head,) = checkpoints(home)
    write_checkpoint(home, head, {"step": np.array(40)})


SPOILT = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in its header": lambda path: path.write_bytes(path.read_bytes()[:60]),
    "empty": lambda path: path.write_bytes(b""),
    "a text": lambda path: path.write_text("nothing of ours, but longer than eight bytes"),
    "zeros": lambda path: path.write_bytes(bytes(1000)),
    "a flipped bit": flipped,
    "of other code": of_other_code,
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.usefixtures("often")
def test_a_checkpoint_that_cannot_be_trusted_is_none(make_trial, tmp_path, name):
    home, trials = Home(tmp_path), [make_trial(seed=seed) for seed in (0, 1)]
    path = a_checkpoint(home, trials)
    assert begun_at(home, trials) == 40
    SPOILT[name](path)
    assert begun_at(home, trials) == 0
    a_checkpoint(home, trials, step=50)
    assert begun_at(home, trials) == 50


@pytest.mark.usefixtures("often")
def test_a_checkpoint_is_for_the_very_same_pack(make_trial, tmp_path, monkeypatch):
    home, trials = Home(tmp_path), [make_trial(seed=seed) for seed in (0, 1)]
    path = a_checkpoint(home, trials)
    assert begun_at(home, trials[::-1]) == 0
    assert begun_at(home, trials[:1]) == 0
    assert begun_at(home, [*trials, make_trial(seed=2)]) == 0
    assert begun_at(home, trials, "cuda") == 0
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "ENGINE", 0)
        assert begun_at(home, trials) == 0
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "installed", lambda _: "2.0.0")
        assert begun_at(home, trials) == 0
    assert begun_at(home, trials) == 40
    path.rename(path.with_stem("0123456789abcdef"))
    other = Checkpointer(home, make_pack(trials, {}), "cpu")
    other._key = "0123456789abcdef"
    assert other.restore(PackRun(make_pack(trials, {}))) == 0


@pytest.mark.usefixtures("often")
def test_a_second_stage_does_not_go_on_when_what_it_stands_on_was_trained_anew(make_trial, tmp_path):
    home, (first, second, _) = Home(tmp_path), a_chain(make_trial, 0)
    trained(home, [first])
    a_checkpoint(home, [second])
    assert begun_at(home, [second]) == 40
    home.drop("records/trials")
    trained(home, [first])
    assert begun_at(home, [second]) == 0


# When


class Clock:
    """Seconds that pass when they are told to, and while something is written."""

    def __init__(self, monkeypatch, home, write_s):
        self.now, self.writes = 1e6, []
        monkeypatch.setattr(keeping.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(home, "write", lambda path, _: (self.writes.append(path), self.wait(write_s)))

    def wait(self, seconds):
        self.now += seconds


@pytest.mark.parametrize(("write_s", "pause_s"), [(0.1, 300), (2.0, 300), (30.0, 3000)])
def test_checkpoints_take_one_per_cent_of_the_time_at_most(make_trial, tmp_path, monkeypatch, write_s, pause_s):
    run, home = PackRun(make_pack([make_trial()], {})), Home(tmp_path)
    clock = Clock(monkeypatch, home, write_s)
    checkpointer = Checkpointer(home, run.pack, "cpu")
    for wait, count in ((299, 0), (1, 1), (pause_s - 1, 1), (1, 2), (pause_s - 1, 2), (1, 3)):
        clock.wait(wait)
        checkpointer.keep(run)
        assert len(clock.writes) == count


@pytest.mark.parametrize("text", ["soon", "-1", "nan"])
def test_a_period_that_is_none_is_told(monkeypatch, text):
    monkeypatch.setenv(SETTING, text)
    with pytest.raises(SettingError, match=f"{SETTING} is {text}, which is no number of seconds"):
        period_s()


# In an actor


def stepped(home, pack, until):
    """An actor's steps until a condition holds; what the last one reported."""
    worker = Worker(str(home), pack.pack_id, "cpu")
    worker._home = home
    return next(report for report in (worker.step() for _ in range(500)) if until(report))


@pytest.mark.usefixtures("often")
def test_a_second_attempt_goes_on_and_says_so_and_its_checkpoint_goes_with_its_commit(
    make_trial, tmp_path, monkeypatch
):
    monkeypatch.setattr("study.run.worker.SLICE_S", 1e-5)
    home = Home(tmp_path)
    pack = make_pack([make_trial(seed=seed) for seed in (0, 1)], {})
    with hand_over(home, [pack], print):
        stepped(home, pack, lambda report: report["step"] >= 20)
        (head,) = checkpoints(home)
        assert (head.trials, head.device) == (pack.trial_ids, "cpu")
        assert 20 <= head.step < make_trial().training.steps
        stepped(home, pack, lambda report: report.get("done"))
    lines = journal(home)
    assert [line["event"] for line in lines] == ["begin", "begin", "resume", "commit"]
    assert lines[2]["step"] == head.step
    assert checkpoints(home) == []
    assert home.names("checkpoints") == []
    assert read(home, "trials").to_pylist()[0]["wall_s"] >= head.trained_s / 2


@pytest.mark.usefixtures("often")
def test_a_home_that_refuses_a_checkpoint_costs_nothing_but_the_checkpoint(make_trial, tmp_path, monkeypatch):
    monkeypatch.setattr("study.run.worker.SLICE_S", 1e-5)
    home, refused = Home(tmp_path), []
    pack = make_pack([make_trial()], {})

    def write(path, content, plain=home.write):
        if path.startswith("checkpoints/"):
            refused.append(path)
            raise HomeError("no room")
        plain(path, content)

    monkeypatch.setattr(home, "write", write)
    with hand_over(home, [pack], print):
        assert stepped(home, pack, lambda report: report.get("done")).get("refusal") is None
    assert len(refused) > 1
    assert [row["status"] for row in read(home, "trials").to_pylist()] == ["finished"]


# In a plan


def test_packs_that_have_begun_come_first_and_as_they_were(make_trial):
    trials = [make_trial(seed=seed) for seed in range(10)]
    other = make_trial(model=VAE(kappa=2, encoder=(4,), decoder=(4,)))
    ids = [trial.trial_id for trial in trials]
    begun = [
        [ids[7], ids[2], ids[5]],
        [ids[5], ids[6]],  # shares a trial with the first
        [ids[8], "has a result by now"],
        [ids[0], other.trial_id],  # of two shapes: no pack of ours
        [ids[9]],
    ]
    packs = make_packs([*trials, other], {ids[2]: 1}, 4, 2, CPU_CORE, begun)
    assert [pack.trial_ids for pack in packs[:2]] == [tuple(begun[0]), (ids[9],)]
    assert packs[0].attempts == (1, 2, 1)
    assert sorted(trial_id for pack in packs for trial_id in pack.trial_ids) == sorted([*ids, other.trial_id])
    assert max(len(pack.trials) for pack in packs) <= 4
    assert len(packs) == 2 + 2 + 1


@pytest.mark.usefixtures("often")
def test_a_pack_is_tried_again_whole_as_long_as_it_gets_further(make_trial, tmp_path):
    """Of four trials, the last one guilty: its pack comes to step 20, to 40, and no further; then it is halved."""
    home, trials, tries = Home(tmp_path), [make_trial(seed=seed) for seed in range(4)], []

    def run(packs, home, *_):
        reasons = {}
        for pack in packs:
            guilty = trials[3].trial_id in pack.trial_ids
            tries.append((len(pack.trials), guilty, pack.attempts[0]))
            if guilty:
                reasons[pack.pack_id] = "its worker process died twice"
                if tries.count((4, True, 1)) <= 2 and len(pack.trials) == 4:
                    a_checkpoint(home, pack.trials, step=20 * len(tries))
        return reasons

    executor: Any = SimpleNamespace(pools=(), run=run)
    train_round([make_pack(trials, {})], home, executor, EventLog())
    assert tries == [(4, True, 1)] * 3 + [(2, False, 1), (2, True, 1), (1, False, 1), (1, True, 1)]
    assert [(row["trial_id"], row["status"]) for row in read(home, "trials").to_pylist()] == [
        (trials[3].trial_id, "failed")
    ]
    assert checkpoints(home) == [], "the next launch would go on to where this one stuck"


# In a sweep


@pytest.mark.usefixtures("often")
def test_a_sweep_takes_checkpoints_that_no_training_goes_on_from(make_trial, tmp_path, monkeypatch):
    monkeypatch.setattr("study.clean.YOUNG_S", 0.0)
    home = Home(tmp_path)
    trials = [make_trial(seed=seed) for seed in range(6)]

    @study(seed=range(5))
    def declared(seed):
        """All of them but the last."""
        return trials[seed]

    write_plan(make_plan(declared, "laptop", home), home)
    needed = a_checkpoint(home, trials[:2])
    a_checkpoint(home, [trials[2], trials[3]])
    a_checkpoint(home, [trials[4], trials[5]])
    trained(home, [trials[3]])
    (tmp_path / "checkpoints/0123456789abcdef.safetensors").write_bytes(b"nothing")
    found = clean(home)
    assert len(home.names("checkpoints")) == 4, "counting removed something"
    assert len(found.files["checkpoints that no training will resume"]) == 3
    clean(home, delete=True)
    assert home.names("checkpoints") == [needed.name]
    assert begun_at(home, trials[:2]) == 40
