"""Trials divided between the GPUs of a cluster and the cores that they leave idle."""

import pytest

from study import VAE, Fixed, Objective, PlantedManifold, Training, Trial
from study.pack.cost import CPU_CORE, GPU, seconds
from study.pack.devices import Pool, packs_for, share
from study.pack.pack import make_packs
from study.record import Checkpoint

GPUS, CORES = Pool(GPU, 1), Pool(CPU_CORE, 7)


def trials(count, width, steps=2000):
    return [
        Trial(
            data=PlantedManifold(),
            model=VAE(kappa=4, encoder=(width,), decoder=(width,)),
            objective=Objective(gamma=Fixed(1.0)),
            training=Training(steps=steps),
            seed=seed,
        )
        for seed in range(count)
    ]


def duration(chosen, pool):
    """Seconds until the pool has trained the trials, by the estimates, in the packs that would be made."""
    packs = make_packs(chosen, {}, None, pool.workers, pool.device)
    return sum(seconds(pack.trials, pool.device) for pack in packs) / pool.workers


def test_every_trial_is_in_one_of_the_two_and_the_order_is_kept():
    table = trials(300, 8) + trials(40, 1024)
    fast, slow = share(table, GPUS, CORES, None)
    assert {id(trial) for trial in fast} | {id(trial) for trial in slow} == {id(trial) for trial in table}
    assert len(fast) + len(slow) == len(table)
    assert fast == [trial for trial in table if trial in fast]


def test_the_cores_take_the_small_networks_and_the_gpus_the_large_ones():
    small, large = trials(1000, 8), trials(30, 1024)
    fast, slow = share(small + large, GPUS, CORES, None)
    assert slow
    assert not [trial for trial in slow if trial in large]
    assert [trial for trial in fast if trial not in small] == large


def test_both_end_together_and_sooner_than_the_gpus_alone():
    table = trials(4000, 8) + trials(20, 512)
    fast, slow = share(table, GPUS, CORES, None)
    assert max(duration(fast, GPUS), duration(slow, CORES)) < 0.9 * duration(table, GPUS)
    assert duration(slow, CORES) == pytest.approx(duration(fast, GPUS), rel=0.25)


def test_what_only_a_gpu_trains_in_time_is_left_to_it():
    table = trials(30, 2048)
    assert share(table, Pool(GPU, 4), Pool(CPU_CORE, 2), None) == (table, [])


def test_no_cores_left_idle_is_no_second_pool():
    table = trials(30, 8)
    assert share(table, GPUS, Pool(CPU_CORE, 0), None) == (table, [])


def test_packs_are_made_for_the_device_that_they_train_on():
    small, large = trials(1000, 8), trials(30, 1024)
    packs = packs_for(small + large, {}, None, [GPUS, CORES], [])
    assert sorted(trial.trial_id for pack in packs for trial in pack.trials) == sorted(
        t.trial_id for t in small + large
    )
    widths = {pack.device: set() for pack in packs}
    for pack in packs:
        widths[pack.device].add(pack.trials[0] in large)
    assert widths["cpu"] == {False}
    assert True in widths["cuda"]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_pack_goes_on_from_its_checkpoint_on_the_kind_of_device_that_wrote_it(device):
    table = trials(300, 8)
    begun = tuple(trial.trial_id for trial in table[40:60])
    head = Checkpoint("key", begun, device, "2", step=100, trained_s=1.0)
    packs = packs_for(table, {}, None, [GPUS, CORES], [head])
    assert [pack.device for pack in packs if pack.trial_ids == begun] == [device]
    assert sum(len(pack.trials) for pack in packs) == len(table)
