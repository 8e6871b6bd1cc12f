"""A round of packs: what an actor asks of the home for each of them, however many there are, and whatever else is at work."""

import threading
from collections import Counter

import object_store  # noqa: F401 (its URIs are known once it is imported)
import pytest
from record_rows import curves_of, rows_of

from study import VAE, Fixed, Objective, PlantedManifold, Training, Trial
from study.pack.handover import hand_over, read_pack
from study.pack.pack import make_pack
from study.record import Home, commit, compact, ids_with_results, new_commit_id, read, stored_ids
from study.record.read import _ids_of_part

pytestmark = pytest.mark.every_python


@pytest.fixture(params=["disk", "objects"])
def home(request, tmp_path):
    """A home on a local disk, and one in an object store, which has no lock."""
    return Home(tmp_path if request.param == "disk" else f"objects://{tmp_path}")


def a_trial(seed):
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=2),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=1),
        seed=seed,
    )


def a_round(count, size=1):
    return [make_pack([a_trial(size * i + j) for j in range(size)], {}) for i in range(count)]


def committed(home, pack, known=lambda _: False):
    """Commit a pack as an actor does; the trials whose result is new."""
    commit_id = new_commit_id(pack.pack_id)
    rows = {"curves": curves_of(pack.trial_ids, commit_id), "trials": rows_of(pack.trial_ids, commit_id)}
    return commit(home, commit_id, rows, known)


def test_what_a_pack_asks_of_the_home_does_not_grow_with_the_packs_before_it(home, monkeypatch):
    """Though each is the first of a new process, which remembers nothing of the home."""
    for pack in a_round(20):
        committed(home, pack)
    asked = Counter()
    for name in ("read", "names", "exists", "write"):
        plain = getattr(Home, name)
        monkeypatch.setattr(
            Home, name, lambda self, *a, name=name, plain=plain: asked.update([name]) or plain(self, *a)
        )
    counts = []
    packs = [make_pack([a_trial(100 + i)], {}) for i in range(40)]
    with hand_over(home, packs, print):
        for pack in packs:
            _ids_of_part.cache_clear()
            asked.clear()
            left, known = read_pack(home, pack.pack_id)
            assert committed(home, left, known) == list(pack.trial_ids)
            counts.append(dict(asked))
    assert all(count == counts[1] for count in counts[1:]), counts
    assert counts[1]["read"] == 3, "the pack, and the manifest twice"
    assert counts[1]["names"] == 3


def test_a_pack_is_settled_by_its_own_earlier_attempt_and_by_what_others_commit(home):
    packs = a_round(4, size=2)
    committed(home, make_pack([packs[3].trials[1]], {}))  # after the plan was made, before its packs were laid out
    with hand_over(home, packs, print):
        committed(home, packs[0])
        committed(home, make_pack([packs[1].trials[0]], {}))  # by another launch
        left = [read_pack(home, pack.pack_id)[0].trial_ids for pack in packs]
        assert left == [(), packs[1].trial_ids[1:], packs[2].trial_ids, packs[3].trial_ids[:1]]
        _, known = read_pack(home, packs[2].pack_id)
        committed(home, make_pack([packs[2].trials[0]], {}))  # by another launch, while the pack was in training
        compact(home, at_least=2, alone=True)
        assert committed(home, packs[2], known) == [packs[2].trial_ids[1]]
    assert home.names("packs") == []


class Threads:
    """Threads that work at once; whatever one raises is kept for the test."""

    def __init__(self):
        self.faults = []
        self._threads = []

    def start(self, work, *arguments):
        thread = threading.Thread(target=self._guarded, args=(work, *arguments))
        self._threads.append(thread)
        thread.start()
        return thread

    def _guarded(self, work, *arguments):
        try:
            work(*arguments)
        except BaseException as fault:
            self.faults.append(fault)

    def join(self):
        for thread in self._threads:
            thread.join(60)


def commit_each(home, packs):
    """What an actor does with its packs."""
    for pack in packs:
        left, known = read_pack(home, pack.pack_id)
        assert committed(home, left, known) == list(pack.trial_ids)
        assert ids_with_results(home, lambda _: False) >= set(pack.trial_ids)


def read_until(over, home):
    before = set()
    while not over.is_set():
        trials = read(home, "trials", ["trial_id"])["trial_id"].to_pylist()
        points = Counter(read(home, "curves", ["trial_id"])["trial_id"].to_pylist())
        assert len(trials) == len(set(trials)), "a row is there twice"
        assert before <= set(trials), "a row was lost"
        assert set(points.values()) <= {2}, "points of a curve are lost or doubled"
        assert points.keys() >= set(trials), "a trial has no curve"
        before = set(trials)


def compact_until(over, home):
    while not over.is_set():
        compact(home, at_least=2, alone=True)


def test_readers_see_every_row_once_while_packs_are_committed_and_compacted(home):
    """Three actors, two readers and a compaction that never rests: nothing is lost at any look, and nothing doubled."""
    packs, over, threads = a_round(24, size=2), threading.Event(), Threads()
    with hand_over(home, packs, print):
        for work in (read_until, read_until, compact_until):
            threads.start(work, over, home)
        for actor in [threads.start(commit_each, home, packs[i::3]) for i in range(3)]:
            actor.join(60)
        over.set()
        threads.join()
    assert not threads.faults, threads.faults
    stored = [row.trial_id for row in stored_ids(home)]
    assert sorted(stored) == sorted(trial_id for pack in packs for trial_id in pack.trial_ids)
    assert read(home, "curves").num_rows == 2 * len(stored)
