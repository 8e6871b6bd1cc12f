"""A launch's packs, trained in rounds, and failures traced to the guilty trial.

A round trains whatever stands on nothing that is missing, of all the studies at once: a study's last packs leave no worker
without work, and workers start once a round. A pack that fails is tried again: as it is where a checkpoint shows that it got
further, else cut in two, until the trial that cannot be trained stands alone. That trial is recorded as failed, with the
reason, and everything else has been trained.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from study.pack.devices import packs_for
from study.pack.handover import hand_over
from study.pack.pack import Pack, make_pack
from study.plan.datasets import fetch_data, record_data
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import Plan, write_plan
from study.record import (
    Checkpoint,
    Home,
    checkpoints,
    commit,
    compact,
    drop_checkpoint,
    new_commit_id,
    with_retries,
)
from study.run.executor import Executor, ExecutorLostError, Opening
from study.run.listener import Listener
from study.train.declared_columns import declared_row, installed

LIVES = 3
"""How often in a row the executor may die without a trial committed in between."""

Tell = Callable[[str], None]
"""Hears why the home refuses for now."""


def train(plan: LaunchPlan, home: Home, opening: Opening, listener: Listener) -> str | None:
    """Train and commit what the plan misses: every missing trial then has a result or a recorded failure.

    Returns None, or a sentence where the executor kept dying and trials are left. Raises: HomeError, where it refuses for
    long; ClusterError, where there is nothing to train on.
    """
    lives = LIVES
    while True:
        try:
            with opening() as executor:
                _train_in_order(plan, home, executor, listener)
            break
        except ExecutorLostError as fault:
            before, plan = plan, with_retries(partial(plan.replan, home), listener.waiting)
            lives = lives - 1 if len(plan.missing) == len(before.missing) else LIVES - 1
            if fault.for_good:
                return f"{fault}: launch again to go on"
            if not lives:
                return f"{fault}, {LIVES} times in a row: launch again to go on"
            listener.restarted(plan, f"{fault}: starting it again, and going on with what has no result yet")
    with_retries(partial(compact, home), listener.waiting)
    return None


def _train_in_order(plan: LaunchPlan, home: Home, executor: Executor, listener: Listener) -> None:
    """Train whatever stands on nothing that is missing, until nothing is left to train."""
    tried: set[str] = set()  # what fails now is for the next launch
    while ready := [trial for trial in plan.ready if trial.trial_id not in tried]:
        tried.update(trial.trial_id for trial in ready)
        kept = [head for head in _checkpoints(home, listener) if head.torch == installed("torch")]
        packs = packs_for(ready, plan.attempts, plan.size, executor.pools, kept)
        train_round(packs, home, executor, listener)
        before, plan = plan, with_retries(partial(plan.replan, home), listener.waiting)
        if grown := plan.grown_since(before):
            _prepare(grown, home, listener)
            listener.grown(plan)
    _record_blocked(plan, home, listener.waiting)


def _checkpoints(home: Home, listener: Listener) -> list[Checkpoint]:
    return with_retries(partial(checkpoints, home), listener.waiting)


def _prepare(grown: Sequence[Plan], home: Home, listener: Listener) -> None:
    """Fetch what data further rows need, and write down the tables that they have come to."""
    for plan in grown:
        fetch_data(plan)
        for warning in with_retries(partial(record_data, plan, home), listener.waiting):
            listener.say(warning)
        with_retries(partial(write_plan, plan, home), listener.waiting)


def train_round(packs: Sequence[Pack], home: Home, executor: Executor, listener: Listener) -> None:
    """Train the packs, then those that failed: from their checkpoints as long as they get further, and then in halves.

    So a long pack may lose its worker any number of times, and a guilty trial still ends alone.
    """
    reached: dict[tuple[str, ...], int] = {}
    while packs:
        listener.begin(packs)
        with hand_over(home, packs, listener.waiting):
            reasons = executor.run(packs, home, listener)
        failed = [pack for pack in packs if pack.pack_id in reasons]
        kept = {head.trials: head for head in _checkpoints(home, listener)} if failed else {}
        further = [pack for pack in failed if _step(pack, kept) > reached.get(pack.trial_ids, 0)]
        reached |= {trials: head.step for trials, head in kept.items()}
        stuck = [pack for pack in failed if pack not in further]
        for pack in stuck:  # or the next launch would go on to where this one stuck
            if head := kept.get(pack.trial_ids):
                drop_checkpoint(home, head.key)
        _record_failures(home, [pack for pack in stuck if len(pack.trials) == 1], reasons, listener.waiting)
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
    with_retries(partial(commit, home, commit_id, {"trials": [row]}), tell)


def _record_blocked(plan: LaunchPlan, home: Home, tell: Tell) -> None:
    """A trial whose stage has diverged has a result too; one whose stage was given up has failed with it."""
    statuses, attempts = plan.statuses, plan.attempts
    for trial, stage in plan.blocked:
        diverged = statuses.get(stage.trial_id) == "diverged"
        reason = f"its stage {stage.trial_id} ({stage.stage}) {'diverged' if diverged else 'could not be trained'}"
        outcome = {"status": "diverged" if diverged else "failed", "error": reason}
        _record(home, make_pack([trial], attempts), outcome, tell)
