"""Conducting a launch: its studies' packs trained in rounds, failures traced to the guilty trial.

A round trains whatever stands on nothing that is missing, of all the studies at once: a study's last packs leave no worker
without work, and workers start once a round. A pack that fails is tried again: as it is where a checkpoint shows that it got
further, else cut in two, until the trial that cannot be trained stands alone; it is recorded as failed, with the reason, and
everything else has been trained.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from study.launch.listeners import Watch
from study.pack.devices import packs_for
from study.pack.handover import laid_out
from study.pack.pack import Pack, make_pack
from study.plan.datasets import fetch_data, record_data
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import write_plan
from study.record import (
    Checkpoint,
    Home,
    checkpoints,
    commit,
    compact,
    drop_checkpoint,
    new_commit_id,
    outlast,
)
from study.run.outcomes import RayLostError
from study.train.declared_columns import declared_row, installed

if TYPE_CHECKING:
    from study.run.ray_connection import Cluster

LIVES = 3
"""How often Ray may die in a row, with no trial committed in between."""

Tell = Callable[[str], None]
"""Who hears why the home refuses for now."""


def train(plans: LaunchPlan, home: Home, size: int | None, address: str | None, watch: Watch) -> str | None:
    """Train and commit what the plans miss: every missing trial then has a result or a recorded failure.

    Returns None, or a sentence where Ray kept dying and trials are left. Raises: HomeError, where it refuses for long.
    """
    from study.run import (
        ray_connection as connection,  # takes seconds to import, and a launch that has nothing to train never needs it
    )

    watch.begin(plans)
    lives = LIVES
    while True:
        try:
            with connection.connected(address, watch.say) as cluster:
                _train_in_order(plans, size, home, cluster, watch)
            break
        except RayLostError as fault:
            before, plans = plans, outlast(partial(plans.replan, home), watch.waiting)
            lives = lives - 1 if len(plans.missing) == len(before.missing) else LIVES - 1
            if not lives:
                return f"{fault}, {LIVES} times in a row: launch again to go on (Ray's own logs are in /tmp/ray)"
            watch.restart(plans, f"{fault}: starting it again, and going on with what has no result yet")
    outlast(partial(compact, home), watch.waiting)
    return None


def _train_in_order(plans: LaunchPlan, size: int | None, home: Home, cluster: "Cluster", watch: Watch) -> None:
    """Train whatever stands on nothing that is missing, until nothing is left to train."""
    tried: set[str] = set()  # what fails now is for the next launch
    while ready := [trial for trial in plans.ready if trial.trial_id not in tried]:
        tried.update(trial.trial_id for trial in ready)
        kept = [head for head in outlast(partial(checkpoints, home), watch.waiting) if head.torch == installed("torch")]
        _train_in_rounds(packs_for(ready, plans.attempts, size, cluster.pools, kept), home, cluster, watch)
        before, plans = plans, outlast(partial(plans.replan, home), watch.waiting)
        _welcome(before, plans, home, watch)
    _record_groundless(plans, home, watch.waiting)


def _welcome(before: LaunchPlan, plans: LaunchPlan, home: Home, watch: Watch) -> None:
    """Let everybody know of rows that have come to the tables."""
    grown = plans.grown_since(before)
    for plan in grown:
        fetch_data(plan)
        for warning in outlast(partial(record_data, plan, home), watch.waiting):
            watch.say(warning)
        outlast(partial(write_plan, plan, home), watch.waiting)
    if grown:
        known = {trial.trial_id for trial in before.missing}
        watch.grown(plans, grown, sum(trial.trial_id not in known for trial in plans.missing))


def _train_in_rounds(packs: Sequence[Pack], home: Home, cluster: "Cluster", watch: Watch) -> None:
    """Train the packs, then those that failed: from their checkpoints as long as they get further, and then in halves.

    So a long pack may lose its worker as often as may be, and a guilty trial still ends alone.
    """
    from study.run import ray_tune as schedule

    reached: dict[tuple[str, ...], int] = {}
    while packs:
        watch.expect(packs)
        with laid_out(home, packs, watch.waiting), watch.told_of_interruption():
            reasons = schedule.run(packs, home, cluster, watch)
        failed = [pack for pack in packs if pack.pack_id in reasons]
        kept = {head.trials: head for head in outlast(partial(checkpoints, home), watch.waiting)} if failed else {}
        further = [pack for pack in failed if _step(pack, kept) > reached.get(pack.trial_ids, 0)]
        reached |= {trials: head.step for trials, head in kept.items()}
        stuck = [pack for pack in failed if pack not in further]
        for pack in stuck:  # or the next launch would go on to where this one stuck
            if head := kept.get(pack.trial_ids):
                drop_checkpoint(home, head.key)
        _record_failures(home, [pack for pack in stuck if len(pack.trials) == 1], reasons, watch.waiting)
        packs = [_again(pack) for pack in further]
        packs += [half for pack in stuck if len(pack.trials) > 1 for half in _halves(pack)]


def _step(pack: Pack, kept: Mapping[tuple[str, ...], Checkpoint]) -> int:
    """The step from which the pack's next attempt goes on."""
    return kept[pack.trial_ids].step if pack.trial_ids in kept else 0


def _halves(pack: Pack) -> list[Pack]:
    middle = len(pack.trials) // 2
    return [_again(pack, slice(middle)), _again(pack, slice(middle, None))]


def _again(pack: Pack, part: slice = slice(None)) -> Pack:
    """A pack of the same trials, or of a part of them, and of the same attempt."""
    tried = dict(zip(pack.trial_ids, (attempt - 1 for attempt in pack.attempts), strict=True))
    return replace(make_pack(pack.trials[part], tried), device=pack.device)


def _record_failures(home: Home, packs: Sequence[Pack], reasons: Mapping[str, str], tell: Tell) -> None:
    for pack in packs:
        _record(home, pack, {"status": "failed", "error": reasons[pack.pack_id]}, tell)


def _record(home: Home, pack: Pack, outcome: dict[str, str], tell: Tell) -> None:
    """Commit what became of a pack of one trial that was not trained."""
    commit_id = new_commit_id()
    row = declared_row(pack, 0, commit_id) | outcome
    outlast(partial(commit, home, commit_id, {"trials": [row]}), tell)


def _record_groundless(plans: LaunchPlan, home: Home, tell: Tell) -> None:
    """A trial whose stage has diverged has a result too; one whose stage was given up has failed with it."""
    statuses, attempts = plans.statuses, plans.attempts
    for trial, stage in plans.blocked:
        diverged = statuses.get(stage.trial_id) == "diverged"
        reason = f"its stage {stage.trial_id} ({stage.stage}) {'diverged' if diverged else 'could not be trained'}"
        outcome = {"status": "diverged" if diverged else "failed", "error": reason}
        _record(home, make_pack([trial], attempts), outcome, tell)
