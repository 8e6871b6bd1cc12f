"""What becomes of packs whose workers die: a node's death is nobody's fault, a worker's second one is its pack's."""

import pytest

from study.run.blame import NODES
from study.run.outcomes import Fates, RayLostError

NODE_DIED = (
    "The actor died unexpectedly before finishing this task.\n\tclass_name: A\n"
    "The actor died because its node has died. Node Id: 3a11\n"
    "\tthe actor's node was terminated unexpectedly: health check failed due to missing too many heartbeats"
)
UNREACHABLE = "The actor 026f is unavailable: The actor is temporarily unavailable: RpcError: RPC error: rpc_code: 14."
WORKER_DIED = (
    "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: …"
)


class Told:
    """A watcher that remembers."""

    def __init__(self):
        self.lost_of, self.failures = [], {}

    def lost(self, pack_id, what):
        self.lost_of.append(what)

    def failed(self, pack_id, reason):
        self.failures[pack_id] = reason


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def fates(told):
    """Of one pack, which has a worker."""
    fates = Fates(told)
    fates.started("pack")
    return fates


@pytest.mark.parametrize("words", [NODE_DIED, UNREACHABLE])
def test_a_pack_outlives_many_nodes_and_one_worker(fates, told, words):
    for _ in range(NODES):
        assert fates.died("pack", words)
    assert fates.died("pack", WORKER_DIED)
    assert told.lost_of == ["node"] * NODES + ["worker"]
    assert not fates.failures


def test_a_second_death_of_the_worker_is_the_packs_fault(fates, told):
    assert fates.started("pack") == 1
    assert fates.died("pack", WORKER_DIED)
    assert fates.started("pack") == 0
    fates.given_up("pack", WORKER_DIED, by_death=True)
    assert told.lost_of == ["worker"]
    assert told.failures == fates.failures == {"pack": "its worker process died twice (killed, or out of memory)"}
    assert fates.taken_spared() == []


def test_a_pack_that_tune_gives_up_without_guilt_is_tried_again_once_taken(fates):
    fates.died("pack", WORKER_DIED)
    fates.given_up("pack", NODE_DIED, by_death=True)
    assert fates.taken_spared() == ["pack"]
    assert fates.taken_spared() == []
    assert not fates.failures


def test_a_pack_that_takes_its_machines_down_with_it_is_not_forgiven_for_ever(fates):
    deaths = 1
    while fates.died("pack", NODE_DIED):
        deaths += 1
        assert deaths < 100
    assert deaths == NODES + 2
    fates.given_up("pack", NODE_DIED, by_death=True)
    assert f"after {NODES} losses of its node" in fates.failures["pack"]


def test_a_worker_that_never_starts_is_rays_fault(told):
    fates = Fates(told)
    fates.given_up("pack", WORKER_DIED, by_death=True)
    fates.complain()
    fates.given_up("pack", "Traceback\nModuleNotFoundError: No module named 'torch'", by_death=True)
    with pytest.raises(RayLostError, match="a worker could not be started"):
        fates.complain()
    assert not fates.failures


def test_what_a_worker_says_before_it_ends_is_the_reason(fates, told):
    fates.given_up("pack", "ValueError: no", by_death=False)
    assert told.failures == {"pack": "ValueError: no"}
