"""Conducting a launch: data made ready once, packs trained in rounds, failures traced to the guilty trial.

A pack that fails is tried again: as it is where a checkpoint shows that it got further, else cut in two, until the trial
that cannot be trained stands alone; it is recorded as failed, with the reason, and everything else has been trained.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from models import datasets
from models.places import DataError
from models.specs import CelebA, Data, ImageFolder, OwnData
from study.command import counted
from study.deaths import Kind
from study.fates import RayLostError
from study.identity import content_id
from study.ledger import Ledger
from study.packing import Pack, make_pack
from study.packs import laid_out
from study.plan import Plan, renewed, write_plan
from study.pools import packs_for
from study.progress import Bar
from study.record import (
    PATIENCE_S,
    Checkpoint,
    Home,
    checkpoints,
    commit,
    compact,
    drop_checkpoint,
    new_commit_id,
    outlast,
    read,
    write_part,
)
from study.rows import declared_row, installed

if TYPE_CHECKING:
    from study.connection import Cluster

LIVES = 3
"""How often Ray may die in a row, with no trial committed in between."""

Tell = Callable[[str], None]
"""Who hears why the home refuses for now."""

_SHOWN = ("trial_steps_per_s", "diverged", "objective_", "gamma_", "n_active_")
"""What of a pack's progress the ledger shows, by the beginnings of the names."""


class Watch:
    """Passes what happens to packs on to the bar and to the ledger."""

    def __init__(self, bar: Bar, ledger: Ledger | None) -> None:
        self._bar, self._ledger = bar, ledger
        self._sizes: dict[str, int] = {}
        self._is_told = False

    def expect(self, packs: Sequence[Pack]) -> None:
        """The packs of the coming round."""
        self._sizes |= {pack.pack_id: len(pack.trials) for pack in packs}
        self._bar.expect(packs)

    def declared(self, trials: int) -> None:
        """The table has grown: so many trials by now."""
        self._bar.declare(trials)
        if self._ledger:
            self._ledger.grown()

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        self._bar.step(pack_id, values)
        shown = {name: value for name, value in values.items() if name.startswith(_SHOWN)}
        if self._ledger:
            self._ledger.progress(pack_id, shown, int(values.get("step", 0)), self._sizes[pack_id])

    def waiting(self, reason: str) -> None:
        """The home refuses for now. Told once, until something is committed again: every worker will say so."""
        if not self._is_told:
            self._bar.say(f"{reason}; trying again for up to {PATIENCE_S / 60:g} minutes")
        self._is_told = True

    def committed(self, pack_id: str) -> None:
        self._is_told = False
        self._bar.done(pack_id)
        if self._ledger:
            self._ledger.committed(pack_id)

    @contextlib.contextmanager
    def told_of_interruption(self) -> Iterator[None]:
        """Answers Ctrl-C at once: to take Ray down takes seconds."""
        try:
            yield
        except KeyboardInterrupt:
            self._bar.say("stopping (Ctrl-C again leaves at once)")
            raise

    def lost(self, pack_id: str, what: Kind) -> None:
        died = "node was lost" if what == "node" else "worker died"
        self._bar.say(f"a {died}: its pack of {counted(self._sizes[pack_id], 'trial')} is trained again")

    def say(self, text: str) -> None:
        self._bar.say(text)

    def failed(self, pack_id: str, reason: str) -> None:
        if (size := self._sizes[pack_id]) > 1:
            self._bar.say(
                f"a pack of {size} trials cannot be trained ({reason}): trying it again, in halves if it got no further"
            )
        if self._ledger:
            self._ledger.failed(pack_id, reason)


def train(
    plan: Plan,
    home: Home,
    size: int | None,
    address: str | None,
    bar: Bar,
    ledger: Ledger | None,
    keeps_ray: bool = False,
) -> str | None:
    """Train and commit what the plan misses: every missing trial then has a result or a recorded failure.

    Returns None, or a sentence where Ray kept dying and trials are left. Raises: HomeError, where it refuses for long.
    """
    from study import connection  # takes seconds to import, and a launch that has nothing to train never needs it

    watch, lives = Watch(bar, ledger), LIVES
    while True:
        try:
            with connection.connected(address, bar.say, keeps_ray) as cluster:
                _train_in_order(plan, size, home, cluster, watch)
            break
        except RayLostError as fault:
            before, plan = plan, outlast(partial(renewed, plan, home), watch.waiting)
            lives = lives - 1 if len(plan.missing) == len(before.missing) else LIVES - 1
            if not lives:
                return f"{fault}, {LIVES} times in a row: launch again to go on (Ray's own logs are in /tmp/ray)"
            bar.restart(len(plan.missing), f"{fault}: starting it again, and going on with what has no result yet")
    outlast(partial(compact, home), watch.waiting)
    return None


def _train_in_order(plan: Plan, size: int | None, home: Home, cluster: "Cluster", watch: Watch) -> None:
    """Train whatever stands on nothing that is missing, until nothing is left to train."""
    tried: set[str] = set()  # what fails now is for the next launch
    while ready := [trial for trial in plan.ready if trial.trial_id not in tried]:
        tried.update(trial.trial_id for trial in ready)
        kept = [head for head in outlast(partial(checkpoints, home), watch.waiting) if head.torch == installed("torch")]
        _train_in_rounds(packs_for(ready, plan.attempts, size, cluster.pools, kept), home, cluster, watch)
        before, plan = plan, outlast(partial(renewed, plan, home), watch.waiting)
        if len(plan.declared) > len(before.declared):
            _welcome(plan, home, watch)
    _record_groundless(plan, home, watch.waiting)


def _welcome(plan: Plan, home: Home, watch: Watch) -> None:
    """Let everybody know of rows that have come to the table."""
    fetch_data(plan)
    for warning in outlast(partial(record_data, plan, home), watch.waiting):
        watch.say(warning)
    outlast(partial(write_plan, plan, home), watch.waiting)
    watch.declared(len(plan.rows) + len(plan.missing_stages))


def _train_in_rounds(packs: Sequence[Pack], home: Home, cluster: "Cluster", watch: Watch) -> None:
    """Train the packs, then those that failed: from their checkpoints as long as they get further, and then in halves.

    So a long pack may lose its worker as often as may be, and a guilty trial still ends alone.
    """
    from study import schedule

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


def _record_groundless(plan: Plan, home: Home, tell: Tell) -> None:
    """A trial whose stage has diverged has a result too; one whose stage was given up has failed with it."""
    for trial, stage in plan.groundless:
        diverged = plan.statuses.get(stage.trial_id) == "diverged"
        reason = f"its stage {stage.trial_id} ({stage.stage}) {'diverged' if diverged else 'could not be trained'}"
        outcome = {"status": "diverged" if diverged else "failed", "error": reason}
        _record(home, make_pack([trial], plan.attempts), outcome, tell)


def fetch_data(plan: Plan) -> None:
    """Fetch or generate every data set the missing trials need, once, before the home is touched. Raises: DataError."""
    for spec in _needed(plan):
        datasets.prepare(spec)


def _needed(plan: Plan) -> list[Data]:
    return list({content_id(spec): spec for trial in plan.missing for spec in trial.datasets}.values())


def record_data(plan: Plan, home: Home) -> list[str]:
    """Record what every data set is that the missing trials need.

    Returns a sentence for each generated data set that differs from the one the home knows under its name.
    Raises: DataError, also where data of the user's differ.
    """
    known = {row["data_id"]: row for row in read(home, "datasets").to_pylist()}
    warnings = []
    for spec in _needed(plan):
        row = _dataset_row(spec)
        if (before := known.get(row["data_id"])) is None:
            write_part(home, "datasets", f"{row['data_id']}.parquet", [row])
        elif before["digest"] == row["digest"]:
            continue
        elif isinstance(spec, OwnData):
            raise DataError(
                f"{spec.label} returns other data than this home knows by the same declaration, so it reads something that "
                "the declaration does not name: declare it with files=[...] or as an option, or choose another --home"
            )
        else:
            warnings.append(
                f"{spec.label} is {'decoded' if isinstance(spec, CelebA | ImageFolder) else 'generated'} differently here "
                "than where this home was begun (their digests differ): results may differ in their last digits"
            )
    return warnings


def _dataset_row(spec: Data) -> dict[str, object]:
    data = datasets.load(spec)
    return {
        "data_id": content_id(spec),
        "data": spec.label,
        "declaration": json.dumps(spec.model_dump(mode="json")),
        "digest": data.digest,
        "d": data.d,
        "n_train": len(data.train),
        "n_test": len(data.test),
        "intrinsic_dim": spec.intrinsic_dim,
        "total_variance": data.total_variance,
        "total_variance_test": data.total_variance_test,
        "spectrum": data.spectrum.tolist() if data.has_spectrum else None,
    }
