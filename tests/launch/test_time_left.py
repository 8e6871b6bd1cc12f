"""The time that a launch says is left, held against the time that made-up packs then take, on two workers."""

import random

import pytest

from study import VAE, Fixed, Objective, PlantedManifold, Training, Trial
from study.launch.time_left import TimeLeft
from study.pack.cost import seconds
from study.pack.pack import make_pack

WORKERS, SLICE_S = 2, 1.0

MADE_BY = (4, 8, 20)
"""How many packs a launch has."""


def pack_of(rng):
    """From one small network of a thousand steps to sixteen large ones of thirty thousand."""
    width, steps = rng.choice([8, 64, 256]), rng.choice([1000, 3000, 10_000, 30_000])
    trials = [
        Trial(
            data=PlantedManifold(n=500, n_test=50),
            model=VAE(kappa=2, encoder=(width,), decoder=(width,)),
            objective=Objective(gamma=Fixed(1.0)),
            training=Training(steps=steps),
            seed=seed,
        )
        for seed in range(rng.choice([1, 4, 16]))
    ]
    return make_pack(trials, {})


def reports(rng, packs, wrong_by):
    """What workers report, and when: the costliest pack first, each pack to the worker that is free first.

    A pack takes what it is estimated to, times `wrong_by` and a factor of its kind; a worker's first slice is one of few
    steps, in which libraries warm up; and what is trained is measured before it is committed.
    """
    clocks = [rng.uniform(4, 6) + rng.uniform(0, 2) * worker for worker in range(WORKERS)]
    warm_ups = [rng.uniform(0.5, 2) for _ in range(WORKERS)]
    paces, beside, said = {}, {}, []
    for pack in sorted(packs, key=lambda pack: -seconds(pack.trials)):
        worker = clocks.index(min(clocks))
        kind, steps = pack.trials[0].pack_key, pack.trials[0].training.steps
        whole = seconds(pack.trials) * wrong_by * paces.setdefault(kind, rng.uniform(0.5, 2))
        step, took_s, now, is_long = 0, 0.0, clocks[worker] + rng.uniform(0.05, 0.3), False
        while step < steps:
            warm_up, warm_ups[worker] = warm_ups[worker], 0.0
            taken = min(steps - step, max(1, int((SLICE_S - warm_up) * steps / whole)))
            took_s = warm_up + taken * whole / steps
            step, now = step + taken, now + took_s
            if is_long := is_long or step < steps:
                said.append((now, pack, (step / steps, taken / steps, took_s)))
        now += 0.05 + whole * beside.setdefault(kind, rng.uniform(0.05, 0.12))
        said += [] if is_long else [(now, pack, (1.0, 1.0, took_s))]
        said.append((now, pack, None))
        clocks[worker] = now
    return sorted(said, key=lambda each: each[0])


@pytest.mark.parametrize("wrong_by", [1 / 3, 1, 3])
def test_ten_seconds_on_the_time_left_is_right_within_a_factor_of_two(wrong_by):
    """But for the last seconds, or the last twentieth: nobody knows how long the last pack takes to be measured."""
    for seed in range(12):
        rng = random.Random(seed)
        packs = [pack_of(rng) for _ in range(MADE_BY[seed % len(MADE_BY)])]
        left, coming = TimeLeft(), reports(rng, packs, wrong_by)
        left.expect(packs, [], 0.0)
        end, began = coming[-1][0], coming[0][0]
        for now in (10 + 0.5 * tick for tick in range(int(2 * (end - 10)))):
            while coming[0][0] <= now:
                at, pack, progress = coming.pop(0)
                if progress:
                    left.progress(pack.pack_id, *progress, now=at)
                else:
                    left.committed(pack.pack_id, at)
            shown, true, spare = left.seconds(now), end - now, max(5.0, 0.05 * end)
            assert shown is not None or now < began + 10
            assert shown is None or true / 2 - spare <= shown <= 2 * true + spare, (seed, now)


def test_before_anything_was_measured_nothing_is_said():
    """A worker's first slice warms libraries up: taken for its pace, it once made two hours of a minute."""
    pack, left = pack_of(random.Random(0)), TimeLeft()
    left.expect([pack], [], 0.0)
    assert left.seconds(5.0) is None
    left.progress(pack.pack_id, 0.0001, 0.0001, 1.2, 8.0)
    assert left.seconds(8.0) is None
    left.progress(pack.pack_id, 0.5, 0.4999, 3.0, 11.0)
    assert 3.0 < (left.seconds(11.0) or 0.0) < 4.0


def test_later_rounds_take_as_long_for_their_work_as_this_one():
    rng = random.Random(1)
    first, same = pack_of(rng), pack_of(random.Random(1))
    alone, both = TimeLeft(), TimeLeft()
    alone.expect([first], [], 0.0)
    both.expect([first], [same, same], 0.0)
    for left in (alone, both):
        left.progress(first.pack_id, 0.0, 0.0, 1.0, 1.0)
        left.progress(first.pack_id, 0.5, 0.5, 10.0, 11.0)
    assert both.seconds(11.0) == pytest.approx(5 * (alone.seconds(11.0) or 0.0), rel=0.1)


def test_a_pack_that_fails_frees_its_worker_and_is_expected_again_in_halves():
    pack, left = pack_of(random.Random(3)), TimeLeft()
    left.expect([pack], [], 0.0)
    left.progress(pack.pack_id, 0.1, 0.1, 4.0, 4.0)
    left.progress(pack.pack_id, 0.2, 0.1, 4.0, 8.0)
    left.ended(pack.pack_id, 9.0)
    assert left.seconds(9.0) == 0.0
    left.expect([pack], [], 10.0)
    assert left.seconds(10.0) == pytest.approx(40.0, rel=0.2)
