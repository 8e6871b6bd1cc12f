"""Checkpoints: a pack that goes on from one ends as if nothing had happened, and one that cannot be trusted is none."""

import numpy as np
import pytest
from checkpointed_packs import STOPS, chain_of, content_of, leave_checkpoint, packs_by_kind, step_resumed_at, train

from study.pack.pack import make_pack
from study.record import Home, checkpoints, write_checkpoint
from study.run import checkpointing
from study.run.checkpointing import Checkpointer
from study.train.pack_run import PackRun


@pytest.mark.parametrize("name", ["vae", "image vae", "own", "codes", "draws", "refit"])
@pytest.mark.usefixtures("often")
def test_a_pack_resumed_from_checkpoints_ends_to_the_last_bit_as_one_that_was_not_stopped(make_trial, tmp_path, name):
    trials, before = packs_by_kind(make_trial)[name]
    whole, stopped = Home(tmp_path / "whole"), Home(tmp_path / "stopped")
    for home in (whole, stopped):
        for stage in before:
            train(home, stage)
    train(whole, trials)
    train(stopped, trials, STOPS)
    expected = content_of(whole, trials)
    assert content_of(stopped, trials) == expected
    assert len(expected) > 4 + len(trials), "no weights were compared"
    assert ("diverged" in {row["status"] for row in expected["trials"]}) == (len(trials) > 4)


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
    path = leave_checkpoint(home, trials)
    assert step_resumed_at(home, trials) == 40
    SPOILT[name](path)
    assert step_resumed_at(home, trials) == 0
    leave_checkpoint(home, trials, step=50)
    assert step_resumed_at(home, trials) == 50


@pytest.mark.usefixtures("often")
def test_a_checkpoint_is_for_the_very_same_pack(make_trial, tmp_path, monkeypatch):
    home, trials = Home(tmp_path), [make_trial(seed=seed) for seed in (0, 1)]
    path = leave_checkpoint(home, trials)
    assert step_resumed_at(home, trials[::-1]) == 0
    assert step_resumed_at(home, trials[:1]) == 0
    assert step_resumed_at(home, [*trials, make_trial(seed=2)]) == 0
    assert step_resumed_at(home, trials, "cuda") == 0
    with monkeypatch.context() as patch:
        patch.setattr(checkpointing, "ENGINE", 0)
        assert step_resumed_at(home, trials) == 0
    with monkeypatch.context() as patch:
        patch.setattr(checkpointing, "installed", lambda _: "2.0.0")
        assert step_resumed_at(home, trials) == 0
    assert step_resumed_at(home, trials) == 40
    path.rename(path.with_stem("0123456789abcdef"))
    other = Checkpointer(home, make_pack(trials, {}), "cpu")
    other._key = "0123456789abcdef"
    assert other.restore(PackRun(make_pack(trials, {}))) == 0


@pytest.mark.usefixtures("often")
def test_a_second_stage_does_not_resume_when_its_first_was_trained_anew(make_trial, tmp_path):
    home, (first, second, _) = Home(tmp_path), chain_of(make_trial, 0)
    train(home, [first])
    leave_checkpoint(home, [second])
    assert step_resumed_at(home, [second]) == 40
    home.drop("records/trials")
    train(home, [first])
    assert step_resumed_at(home, [second]) == 0
