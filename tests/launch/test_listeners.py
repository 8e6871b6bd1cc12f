"""Who hears what happens to packs: everybody under the same verbs, and each study of its own packs alone."""

import inspect

import pytest
from event_log import EventLog
from rich.console import Console
from two_studies import a_trial, first, grown, plan_of, second

from study.launch.event_router import EventRouter
from study.launch.progress_bar import ProgressBar
from study.mirror.mirror import Mirror
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.record import Home
from study.run.listener import Listener

VERBS = ["begin", "progress", "committed", "failed", "lost", "waiting", "grown", "restarted", "say", "end"]


@pytest.mark.parametrize("listener", [ProgressBar, EventRouter, Mirror, EventLog])
def test_every_listener_has_the_verbs_of_the_protocol_and_takes_what_it_hands_over(listener):
    assert [name for name in vars(Listener) if not name.startswith("_")] == VERBS
    for verb in VERBS:
        asked = list(inspect.signature(getattr(Listener, verb)).parameters)
        assert list(inspect.signature(getattr(listener, verb)).parameters) == asked


def test_every_listener_is_one_to_the_type_checker_and_hears_a_whole_training(tmp_path):
    home = Home(tmp_path)
    plan = plan_of(home, first)
    bar, mirror = ProgressBar(Console(quiet=True), plan), Mirror(home, "first")
    everybody: list[Listener] = [bar, mirror, EventRouter(bar, {"first": mirror}, plan), EventLog()]
    for listener in everybody:
        packs = make_packs(plan.missing, {}, 3, 1, CPU_CORE)
        listener.begin(packs)
        listener.progress(packs[0].pack_id, {"step": 3, "steps": 10, "trial_steps_per_s": 9.0})
        listener.lost(packs[0].pack_id, "worker")
        listener.waiting("the home is slow")
        listener.failed(packs[0].pack_id, "no")
        listener.committed(packs[1].pack_id)
        listener.restarted(plan, "Ray died")
        listener.grown(plan)
        listener.say("well")
        listener.end()


@pytest.fixture
def heard(tmp_path):
    """A router over two studies, and what the bar and each study's mirror hear."""
    plan, logs = plan_of(Home(tmp_path), first, second), [EventLog() for _ in range(3)]
    return EventRouter(logs[0], {"first": logs[1], "second": logs[2]}, plan), plan, logs


def test_a_study_hears_of_packs_with_trials_of_its_own_and_of_no_others(heard):
    router, plan, (bar, one, two) = heard
    kappas = {a_trial(kappa, seed).trial_id: kappa for kappa in (2, 3, 4) for seed in range(3)}
    packs = {kappas[pack.trial_ids[0]]: pack for pack in make_packs(plan.missing, {}, None, 1, CPU_CORE)}
    assert {kappa: len(pack.trials) for kappa, pack in packs.items()} == {2: 3, 3: 3, 4: 3}
    router.begin(list(packs.values()))
    ids = {kappa: pack.pack_id for kappa, pack in packs.items()}
    router.progress(ids[3], {"step": 1})
    router.committed(ids[2])
    router.committed(ids[3])
    router.lost(ids[4], "node")
    router.failed(ids[4], "no")
    assert [pack.pack_id for pack in one.of("begin")[0]] == [ids[kappa] for kappa in packs if kappa != 4]
    assert [pack.pack_id for pack in two.of("begin")[0]] == [ids[kappa] for kappa in packs if kappa != 2]
    assert one.events[1:] == [
        ("progress", (ids[3], {"step": 1})),
        ("committed", (ids[2],)),
        ("committed", (ids[3],)),
    ]
    assert two.events[1:] == [
        ("progress", (ids[3], {"step": 1})),
        ("committed", (ids[3],)),
        ("lost", (ids[4], "node")),
        ("failed", (ids[4], "no")),
    ]
    assert [verb for verb, _ in bar.events] == ["begin", "progress", "committed", "committed", "lost", "failed"]


def test_only_the_mirror_of_a_table_that_has_grown_hears_of_it(heard, tmp_path):
    router, _, (bar, one, two) = heard
    more = plan_of(Home(tmp_path), first, grown)
    router.grown(more)
    assert (len(bar.events), one.events, two.events) == (1, [], [("grown", (more,))])
    packs = [
        pack for pack in make_packs(more.missing, {}, None, 1, CPU_CORE) if a_trial(5, 0).trial_id in pack.trial_ids
    ]
    router.begin(packs)
    assert one.events == []
    assert two.of("begin") == [packs], "the new rows are the second study's"


def test_what_is_no_packs_own_is_heard_by_all(heard):
    router, plan, logs = heard
    router.say("something")
    router.waiting("throttled")
    router.restarted(plan, "Ray died")
    router.end()
    for log in logs:
        assert [verb for verb, _ in log.events] == ["say", "waiting", "restarted", "end"]
