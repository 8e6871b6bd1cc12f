"""What is settled before a job is sent to a cluster, or a launch trains on the one it is part of."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from study.cluster import submit
from study.cluster.submit import Request, _environment, _home_there, _mirror_there
from study.errors import ClusterError, OptionError
from study.run import ray_connection, wait_for_nodes


def test_a_cluster_without_a_node_to_train_on_is_waited_for_and_then_refused(monkeypatch):
    clock = iter(range(0, 100_000, 10))
    monkeypatch.setattr(wait_for_nodes.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(wait_for_nodes.time, "sleep", lambda _: None)
    answers = iter([{}, {"memory": 1.0}, {}, {"CPU": 8.0, "GPU": 1.0}])
    said = []
    wait = wait_for_nodes.Wait("CPU", lambda: next(answers, {}), said.append)
    assert wait.over() == {"CPU": 8.0, "GPU": 1.0}
    sentence = "the Ray cluster has no node with a CPU to train on"
    assert said == [f"{sentence}: waiting for one, 15 min at most"]
    with pytest.raises(ClusterError, match=f"{sentence}: start a worker, and launch again"):
        wait.over()
    assert len(said) == 2, "the second time is news again"


def test_a_machine_that_is_part_of_no_cluster_says_so(monkeypatch):
    def refuse(**_):
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray_connection.ray, "init", refuse)
    with (
        pytest.raises(ClusterError, match="no Ray of this machine can be joined"),
        ray_connection.connected("auto", print),
    ):
        pass


@pytest.fixture
def elsewhere(monkeypatch):
    """A client of a cluster of other machines, and the job's home and mirror there."""

    monkeypatch.setattr(submit, "list_nodes", lambda address: [SimpleNamespace(node_ip="203.0.113.7")])
    return SimpleNamespace(get_address=lambda: "http://203.0.113.7:8265")


@pytest.mark.parametrize("home", ["./runs", "~/runs"])
def test_a_home_of_this_machine_is_refused_for_a_cluster_of_others(elsewhere, home):
    with pytest.raises(OptionError, match="every node of the cluster reaches"):
        _home_there(home, None, elsewhere)


@pytest.mark.parametrize("home", ["s3://bucket/runs", "/shared/runs"])
def test_a_home_that_nodes_share_is_taken_as_it_is(elsewhere, home):
    assert _home_there(home, None, elsewhere) == home


def test_an_mlflow_database_is_never_left_in_a_jobs_folder():
    def mirror(home, uri):
        return _mirror_there(Request({"grid_gamma": "grid_gamma"}, home, "paper", uri, True, []), None, home)

    assert mirror("/shared", None) == ([], "")
    assert mirror("s3://bucket", "http://mlflow:5000")[0] == ["--tracking-uri", "http://mlflow:5000"]
    assert mirror("s3://bucket", None)[0] == ["--no-mirror"]
    for relative in ("sqlite:///mlflow.db", "mlruns"):
        with pytest.raises(OptionError, match="relative to a folder of this machine"):
            mirror("s3://bucket", relative)


def test_a_job_is_sent_every_package_of_ours(tmp_path):
    sent = {Path(module) for module in _environment(False, str(tmp_path), 80)["py_modules"]}  # pyright: ignore[reportGeneralTypeIssues]
    assert {path.name for path in sent} == {"study", "models", "analysis", "collapsar"}
    assert all((path / "__init__.py").is_file() for path in sent)
