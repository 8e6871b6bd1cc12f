"""Faults of clusters: whatever becomes of nodes, no result is lost and none is made twice.

Several raylets on this machine stand for nodes. Counted from the journal that the trainer writes.
"""

import os
import random
import signal
import subprocess
import time

import psutil
import pytest
import torch
from launches import assert_each_trained_to_its_end_once, committed, ending, start, wait_for, write_study
from ray_nodes import head_alone, processes, raylet
from slow_studies import write_dawdler, write_sleeper

from study.record import Home, journal

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

ONE_PACK = ["--only", "kappa=3", "--pack", "8"]
"""All trials of one shape, as one pack."""


@pytest.fixture(scope="module")
def head():
    with head_alone() as nodes:
        yield nodes


@pytest.fixture
def nodes(head):
    """A cluster whose head trains nothing and that has no other node yet."""
    yield head
    head.clear()


def joined(nodes, path, home, *options):
    """A launch on the cluster, ended with the block."""
    options = ["--address", "auto", "--no-mirror", *options]
    return ending(start(path, home, *options, output=subprocess.PIPE, RAY_ADDRESS=nodes.address))


def finish(process):
    """The output of a launch that has trained everything."""
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def begun(home, after=0):
    """The journal's beginnings, without the first `after` ones, once there are any."""
    return wait_for(lambda: [line for line in journal(Home(home)) if line["event"] == "begin"][after:], "training", 240)


def commits(home):
    """The journal's commits."""
    return [line for line in journal(Home(home)) if line["event"] == "commit"]


def open_packs(home):
    """pack_id → process, of the packs in training."""
    packs = {}
    for line in journal(Home(home)):
        if line["event"] == "begin":
            packs[line["pack_id"]] = line["process"]
        else:
            packs.pop(line["pack_id"], None)
    return packs


def test_nodes_killed_at_any_moment_lose_nothing_and_the_launch_outlives_them_all(nodes, tmp_path):
    """Twenty times a node dies while packs train, and another comes for it."""
    kills, trials = 20, 60
    path, home = write_sleeper(tmp_path, trials, steps=60), tmp_path / "home"
    moments, alive = random.Random(kills), [nodes.add(), nodes.add()]
    with joined(nodes, path, home, "--pack", 1) as process:
        beginnings, seen = 0, {}
        for _ in range(kills):
            begun(home, after=beginnings)
            time.sleep(moments.uniform(0.0, 2.0))
            nodes.kill(alive.pop(moments.randrange(2)))
            alive.append(nodes.add())
            beginnings = len(begun(home))
            now = {row["trial_id"]: row["commit_id"] for row in committed(home)}
            assert seen.items() <= now.items(), "a committed trial was lost or trained again"
            seen = now
        assert process.poll() is None, "the kills came too late to prove anything"
        assert 0 < len(seen) < trials
        nodes.add(cpus=4)
        output = finish(process)
    assert output.count("a node was lost") >= kills / 2, output
    assert_each_trained_to_its_end_once(home, trials)
    assert seen.items() <= {row["trial_id"]: row["commit_id"] for row in committed(home)}.items()


def test_workers_killed_at_any_moment_lose_nothing_and_the_launch_outlives_them_all(tmp_path):
    """Twenty workers die on one machine, each with a pack that had lost none before: a second time it would be to blame."""
    kills, trials = 20, 100
    path, home = write_sleeper(tmp_path, trials, steps=30), tmp_path / "home"  # with fewer, few packs are hit in time
    moments, hit = random.Random(kills), set()
    with ending(start(path, home, "--no-mirror", "--pack", 1, output=subprocess.PIPE)) as process:
        while len(hit) < kills:
            untouched = wait_for(lambda: open_packs(home).keys() - hit, "pack in training", 240)
            time.sleep(moments.uniform(0.0, 5.0))
            if victim := open_packs(home).get(moments.choice(sorted(untouched))):  # else it was committed meanwhile
                os.kill(victim, signal.SIGSTOP)  # it may have gone on to another pack in between
                struck = {pack for pack, process in open_packs(home).items() if process == victim}
                os.kill(victim, signal.SIGKILL if struck and not struck & hit else signal.SIGCONT)
                hit.update(struck)
        assert 0 < len(committed(home)) < trials, "the kills came too early or too late to prove anything"
        output = finish(process)
    assert output.count("a worker died") >= kills / 2, output
    assert_each_trained_to_its_end_once(home, trials)


def test_a_node_that_dies_again_and_again_is_not_the_packs_guilt(nodes, tmp_path):
    """Three nodes die under the only pack: it is trained again as it is, and neither halved nor failed."""
    path, home = write_study(tmp_path, steps=1500), tmp_path / "home"
    node = nodes.add()
    with joined(nodes, path, home, *ONE_PACK) as process:
        for deaths in range(3):
            begun(home, after=deaths)
            nodes.kill(node)
            node = nodes.add()
        output = finish(process)
    assert output.count("a node was lost: its pack of 4 trials is trained again") == 3, output
    assert "halves" not in output
    assert {row["pack_size"] for row in committed(home)} == {4}
    assert_each_trained_to_its_end_once(home, 4)


def test_nodes_that_come_late_are_waited_for_and_take_their_share(nodes, tmp_path):
    """Of packs that take longer than a worker to start: Tune hands shorter ones to the workers that it has."""
    path, home = write_sleeper(tmp_path, trials=8, steps=100), tmp_path / "home"
    with joined(nodes, path, home, "--pack", 1) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any("no node with a CPU to train on: waiting for one, 15 min at most" in line for line in lines)
        assert process.poll() is None
        first = nodes.add()
        begun(home)
        on_first = processes(first)
        second = nodes.add()
        wait_for(lambda: {line["process"] for line in begun(home)} - on_first, "pack on the second node", 240)
        assert process.poll() is None, "everything was trained on the first node"
        strangers = {line["process"] for line in begun(home)} - processes(first) - processes(second)
        assert not strangers
        finish(process)
    assert_each_trained_to_its_end_once(home, 8)


def test_a_cluster_that_loses_every_node_is_waited_for(nodes, tmp_path):
    path, home = write_study(tmp_path, seeds=1, steps=1500), tmp_path / "home"
    node = nodes.add()
    with joined(nodes, path, home, "--pack", 1) as process:
        wait_for(lambda: committed(home), "commit")
        nodes.kill(node)
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any("no node with a CPU to train on: waiting for one" in line for line in lines)
        there = len(committed(home))
        assert 0 < there < 6
        nodes.add()
        output = finish(process)
    assert "6 declared, 0 already there, 6 finished, 0 diverged, 0 failed" in output
    assert_each_trained_to_its_end_once(home, 6)


def test_a_gpu_that_torch_cannot_use_is_one_sentence_and_no_trials_fault(nodes, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("torch can use the GPU of this machine")
    nodes.add(cpus=1, gpus=1)
    with joined(nodes, write_study(tmp_path), tmp_path / "home") as launched:
        output, _ = launched.communicate(timeout=240)
    assert launched.returncode == 2, output
    assert "offers a GPU that torch cannot use there: install a CUDA build of torch on it" in " ".join(output.split())
    assert not committed(tmp_path / "home")


def drain(nodes, node):
    """What a cluster's autoscaler does when it hears that a spot machine will be taken away."""
    from ray._raylet import GcsClient  # pyright: ignore[reportAttributeAccessIssue]
    from ray.core.generated import autoscaler_pb2

    reasons = autoscaler_pb2.DrainNodeReason  # pyright: ignore[reportAttributeAccessIssue]
    reason = reasons.Value("DRAIN_NODE_REASON_PREEMPTION")
    accepted, why_not = GcsClient(address=nodes.address).drain_node(
        node.node_id, reason, "spot", int(1000 * (time.time() + 60))
    )
    assert accepted, why_not


@pytest.mark.parametrize("how", ["told to leave", "drained and killed", "removed"])
def test_a_node_that_is_taken_away_in_the_middle_costs_its_packs_a_second_start(nodes, tmp_path, how):
    path, home = write_study(tmp_path, steps=1500), tmp_path / "home"
    node = nodes.add()
    with joined(nodes, path, home, *ONE_PACK) as process:
        begun(home)
        if how == "told to leave":
            nodes.kill(node, signal.SIGTERM)
        elif how == "drained and killed":
            drain(nodes, node)
            nodes.kill(node)
        else:
            nodes.remove(node)
        nodes.add()
        output = finish(process)
    assert output.count("a node was lost: its pack of 4 trials is trained again") == 1, output
    assert_each_trained_to_its_end_once(home, 4)


def test_a_node_that_returns_from_the_dead_commits_nothing_a_second_time(nodes, tmp_path):
    """A partition: the cluster takes the node for dead and has its pack trained elsewhere. Then it comes to its commit."""
    home, marker = tmp_path / "home", tmp_path / "evaluating"
    path = write_dawdler(tmp_path, marker)
    node = nodes.add()
    with joined(nodes, path, home, "--pack", 2) as process:
        lost = begun(home)[0]
        marker.unlink(missing_ok=True)  # the launch has tried the network before anything began
        wait_for(marker.exists, "evaluation", 240)
        trainer = psutil.Process(lost["process"])
        for each in (raylet(node), trainer):
            each.suspend()
        assert not committed(home)
        nodes.add()
        wait_for(lambda: set(lost["trials"]) <= {row["trial_id"] for row in committed(home)}, "second training", 240)
        there = {row["trial_id"]: row["commit_id"] for row in committed(home)}
        trainer.resume()
        late = wait_for(lambda: [e for e in commits(home) if e["process"] == trainer.pid], "commit that comes late", 60)
        assert [event["trials"] for event in late] == [[]]
        raylet(node).resume()
        nodes.bury(node)  # it finds that it was declared dead
        wait_for(lambda: not trainer.is_running(), "end of the worker that returned", 60)
        output = finish(process)
    assert "a node was lost: its pack of 2 trials is trained again" in output
    assert there.items() <= {row["trial_id"]: row["commit_id"] for row in committed(home)}.items()
    assert_each_trained_to_its_end_once(home, 4)
