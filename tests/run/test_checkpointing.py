"""When packs leave checkpoints, and what workers, plans and `study.clean` do with them."""

from types import SimpleNamespace
from typing import Any

import pytest
from checkpointed_packs import leave_checkpoint, step_resumed_at, train
from event_log import EventLog

from study import VAE, study
from study.clean import clean
from study.errors import SettingError
from study.pack.cost import CPU_CORE
from study.pack.handover import hand_over
from study.pack.pack import make_pack, make_packs
from study.plan.plan import make_plan, write_plan
from study.record import Home, HomeError, checkpoints, journal, read
from study.run import checkpointing
from study.run.checkpointing import SETTING, Checkpointer, period_s
from study.run.rounds import train_round
from study.run.worker import Worker
from study.train.pack_run import PackRun


class Clock:
    """Seconds that pass when they are told to, and while something is written."""

    def __init__(self, monkeypatch, home, write_s):
        self.now, self.writes = 1e6, []
        monkeypatch.setattr(checkpointing.time, "monotonic", lambda: self.now)
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
def test_a_period_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv(SETTING, text)
    with pytest.raises(SettingError, match=f"{SETTING} is {text}, which is no number of seconds"):
        period_s()


def stepped(home, pack, until):
    """An actor's steps until a condition holds; what the last one reported."""
    worker = Worker(str(home), pack.pack_id, "cpu")
    worker._home = home
    return next(report for report in (worker.step() for _ in range(500)) if until(report))


@pytest.mark.usefixtures("often")
def test_a_second_attempt_resumes_and_says_so_and_its_commit_removes_the_checkpoint(make_trial, tmp_path, monkeypatch):
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
                    leave_checkpoint(home, pack.trials, step=20 * len(tries))
        return reasons

    executor: Any = SimpleNamespace(pools=(), run=run)
    train_round([make_pack(trials, {})], home, executor, EventLog())
    assert tries == [(4, True, 1)] * 3 + [(2, False, 1), (2, True, 1), (1, False, 1), (1, True, 1)]
    assert [(row["trial_id"], row["status"]) for row in read(home, "trials").to_pylist()] == [
        (trials[3].trial_id, "failed")
    ]
    assert checkpoints(home) == [], "the next launch would go on to where this one stuck"


@pytest.mark.usefixtures("often")
def test_cleaning_takes_checkpoints_that_no_training_will_resume(make_trial, tmp_path, monkeypatch):
    monkeypatch.setattr("study.clean.YOUNG_S", 0.0)
    home = Home(tmp_path)
    trials = [make_trial(seed=seed) for seed in range(6)]

    @study(seed=range(5))
    def declared(seed):
        """All of them but the last."""
        return trials[seed]

    write_plan(make_plan(declared, "laptop", home), home)
    needed = leave_checkpoint(home, trials[:2])
    leave_checkpoint(home, [trials[2], trials[3]])
    leave_checkpoint(home, [trials[4], trials[5]])
    train(home, [trials[3]])
    (tmp_path / "checkpoints/0123456789abcdef.safetensors").write_bytes(b"nothing")
    found = clean(home)
    assert len(home.names("checkpoints")) == 4, "counting removed something"
    assert len(found.files["checkpoints that no training will resume"]) == 3
    clean(home, delete=True)
    assert home.names("checkpoints") == [needed.name]
    assert step_resumed_at(home, trials[:2]) == 40
