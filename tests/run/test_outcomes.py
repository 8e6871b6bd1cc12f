"""What becomes of packs whose workers die: a node's death is no pack's fault, a worker's second one is its pack's."""

import pytest
from event_log import EventLog

from study.record import HomeError
from study.run.blame import NODES
from study.run.executor import ExecutorLostError
from study.run.outcomes import Outcomes
from study.run.worker import DONE, FAILED, REFUSED, WAITING

NODE_DIED = (
    "The actor died unexpectedly before finishing this task.\n\tclass_name: A\n"
    "The actor died because its node has died. Node Id: 3a11\n"
    "\tthe actor's node was terminated unexpectedly: health check failed due to missing too many heartbeats"
)
UNREACHABLE = "The actor 026f is unavailable: The actor is temporarily unavailable: RpcError: RPC error: rpc_code: 14."
WORKER_DIED = (
    "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: …"
)


@pytest.fixture
def log():
    return EventLog()


@pytest.fixture
def outcomes(log):
    """Of one pack, which has a worker."""
    outcomes = Outcomes(log)
    outcomes.started("pack")
    return outcomes


def lost(log):
    return [what for _, what in log.of("lost")]


@pytest.mark.parametrize("words", [NODE_DIED, UNREACHABLE])
def test_a_pack_outlives_many_nodes_and_one_worker(outcomes, log, words):
    for _ in range(NODES):
        assert outcomes.died("pack", words)
    assert outcomes.died("pack", WORKER_DIED)
    assert lost(log) == ["node"] * NODES + ["worker"]
    assert not outcomes.failures


def test_a_second_death_of_the_worker_is_the_packs_fault(outcomes, log):
    assert outcomes.started("pack") == 1
    assert outcomes.died("pack", WORKER_DIED)
    assert outcomes.started("pack") == 0
    outcomes.given_up("pack", WORKER_DIED, by_death=True)
    assert lost(log) == ["worker"]
    reason = "its worker process died twice (killed, or out of memory)"
    assert log.of("failed") == [("pack", reason)]
    assert outcomes.failures == {"pack": reason}
    assert outcomes.take_spared() == []


def test_a_pack_that_tune_gives_up_without_guilt_is_tried_again_once_taken(outcomes):
    outcomes.died("pack", WORKER_DIED)
    outcomes.given_up("pack", NODE_DIED, by_death=True)
    assert outcomes.take_spared() == ["pack"]
    assert outcomes.take_spared() == []
    assert not outcomes.failures


def test_a_pack_that_takes_its_machines_down_with_it_is_not_forgiven_for_ever(outcomes):
    deaths = 1
    while outcomes.died("pack", NODE_DIED):
        deaths += 1
        assert deaths < 100
    assert deaths == NODES + 2
    outcomes.given_up("pack", NODE_DIED, by_death=True)
    assert f"after {NODES} losses of its node" in outcomes.failures["pack"]


def test_a_worker_that_never_starts_is_no_packs_fault(log):
    outcomes = Outcomes(log)
    outcomes.given_up("pack", WORKER_DIED, by_death=True)
    outcomes.raise_refusal()
    outcomes.given_up("pack", "Traceback\nModuleNotFoundError: No module named 'torch'", by_death=True)
    with pytest.raises(ExecutorLostError, match="a worker could not be started"):
        outcomes.raise_refusal()
    assert not outcomes.failures


def test_what_a_worker_says_before_it_ends_is_the_reason(outcomes, log):
    outcomes.given_up("pack", "ValueError: no", by_death=False)
    assert log.events == [("failed", ("pack", "ValueError: no"))]


def test_a_workers_reports_reach_the_listener_under_its_verbs(outcomes, log):
    """A last report is a commit unless it says why not."""
    outcomes.reported("pack", {"step": 3, "note": "no number"})
    outcomes.reported("pack", {WAITING: "throttled"})
    outcomes.reported("pack", {"step": 9, DONE: True})
    outcomes.reported("other", {FAILED: "ValueError: no", DONE: True})
    outcomes.reported("third", {REFUSED: "the home is full", DONE: True})
    assert [verb for verb, _ in log.events] == ["progress", "waiting", "progress", "committed", "failed"]
    assert log.of("progress")[0] == ("pack", {"step": 3})
    assert log.of("committed") == ["pack"]
    assert outcomes.failures == {"other": "ValueError: no"}
    with pytest.raises(HomeError, match="the home is full"):
        outcomes.raise_refusal()
