"""Where a launch trains: the cluster of ./cluster.yaml where its head runs, and this machine where it does not."""

import http.server
import json
import threading

import pytest
from launches import ROOT, launch

from study.cluster import cluster_file as cluster
from study.cluster.cluster_file import cluster_of_this_head, may_run, read_cluster_file
from study.cluster.target import Target, dashboard_of, open_target
from study.errors import ClusterError
from study.run import ray_connection as connection

SAYS = """
import json, os, sys, time
say = lambda **what: print(json.dumps(what), flush=True)
say(looking=sys.argv[1])
{then}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a cluster.yaml of machines of one's own; no address in the environment."""
    (tmp_path / "cluster.yaml").write_text((ROOT / "cluster-local.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    return tmp_path


@pytest.fixture
def asked(monkeypatch):
    """Puts a script in place of the process that asks the cloud."""
    return lambda then: monkeypatch.setattr(cluster, "ASK", ("-c", SAYS.format(then=then)))


def test_what_the_file_says():
    mine, rented = read_cluster_file(ROOT / "cluster-local.yaml"), read_cluster_file(ROOT / "cluster.yaml")
    assert (mine.provider, mine.home, mine.workers, mine.resources) == ("local", "/shared/runs", 2, {})
    assert (rented.provider, rented.home, rented.workers) == ("aws", "s3://BUCKET/runs", 0)
    assert rented.tracking_uri == mine.tracking_uri == "http://127.0.0.1:5000"
    assert rented.resources == {"CPU": 32, "GPU": 4}


def test_workers_of_all_kinds_together_are_no_more_than_the_file_allows(tmp_path):
    kinds = {
        "head": {"resources": {"CPU": 4}},
        "small": {"resources": {"CPU": 16}, "max_workers": 10},
        "large": {"resources": {"CPU": 8, "GPU": 2}, "max_workers": 3},
    }
    config = {"provider": {"type": "aws"}, "max_workers": 5, "head_node_type": "head", "available_node_types": kinds}
    (tmp_path / "some.yaml").write_text(json.dumps(config))
    assert read_cluster_file(tmp_path / "some.yaml").resources == {"GPU": 6, "CPU": 24 + 32}


def test_a_running_head_is_where_a_launch_goes_with_the_token_that_it_has(asked):
    asked("say(head='192.0.2.1'); say(token='abc'); time.sleep(60)")
    with open_target(None) as place:
        assert place.is_sent
        assert str(place) == "the cluster of cluster.yaml (head 192.0.2.1)"
        assert place.scale_of({"laptop", "paper"}) == "paper"
        assert place.option == ""
        assert place.cluster
        assert place.cluster.home == "/shared/runs"
        assert cluster.os.environ["RAY_AUTH_TOKEN"] == "abc"
        assert cluster.os.environ["RAY_AUTH_MODE"] == "token"


def test_the_dashboard_is_at_the_other_end_of_the_tunnel(asked):
    class Dashboard(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"ray_version": "2"}')

        def log_message(self, format, *arguments):  # noqa: A002
            pass

    asked("say(head='192.0.2.1'); say(token=''); time.sleep(60)")
    with open_target("cluster.yaml") as place:
        assert place.head
        port = int(place.head.url.rsplit(":", 1)[1])
        with http.server.ThreadingHTTPServer(("127.0.0.1", port), Dashboard) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            assert dashboard_of(place) == f"http://127.0.0.1:{port}"
            server.shutdown()


@pytest.mark.parametrize("then", ["sys.exit('no credentials')", "time.sleep(60)"], ids=["none", "silence"])
def test_without_a_head_it_is_this_machine(asked, monkeypatch, then):
    asked(then)
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.5)
    with open_target(None) as place:
        assert place == Target()
    with (
        pytest.raises(ClusterError, match=r"no running head.*`ray up cluster.yaml` starts it"),
        open_target("cluster.yaml"),
    ):
        pass


def test_a_head_that_does_not_answer_is_an_error(asked):
    asked("say(head='192.0.2.1'); sys.exit('ssh: connect to host 192.0.2.1 port 22: No route to host')")
    with (
        pytest.raises(ClusterError, match=r"192.0.2.1, runs and does not answer \(ssh: .*No route"),
        open_target(None),
    ):
        pass


def test_a_file_of_that_name_about_something_else_is_passed_over(folder):
    (folder / "cluster.yaml").write_text("kind: Deployment\n")
    with open_target(None) as place:
        assert place == Target()
    with pytest.raises(ClusterError, match=r"cluster\.yaml declares no cluster"), open_target("cluster.yaml"):
        pass


@pytest.mark.parametrize("wrong", ["max_workers: many", "metadata: s3://bucket", "available_node_types: [gpu]", "? ["])
def test_a_file_that_is_wrong_is_one_sentence(folder, wrong):
    (folder / "cluster.yaml").write_text("provider: {type: aws}\n" + wrong)
    with pytest.raises(ClusterError, match=r"cluster\.yaml declares no cluster"):
        read_cluster_file(folder / "cluster.yaml")


def test_a_cloud_whose_library_is_not_here_is_not_asked(folder, monkeypatch):
    monkeypatch.setitem(cluster.CLIENTS, "aws", "no_such_library.of_clouds")
    monkeypatch.setattr(cluster.subprocess, "Popen", None)
    (folder / "cluster.yaml").write_text((ROOT / "cluster.yaml").read_text())
    assert not may_run(read_cluster_file(folder / "cluster.yaml"))
    with open_target(None) as place:
        assert place == Target()


def test_the_head_of_a_cluster_knows_what_its_autoscaler_may_start(tmp_path, monkeypatch):
    """Nothing has been started yet, so Ray itself has no GPU to tell of."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cluster_of_this_head() is None
    (tmp_path / "ray_bootstrap_config.yaml").write_text((ROOT / "cluster.yaml").read_text())
    monkeypatch.setattr(connection.ray, "cluster_resources", dict)
    assert connection._resources(cluster_of_this_head(), print) == {"CPU": 32, "GPU": 4}


def test_a_plan_tells_gpu_hours_of_the_declared_gpus(folder):
    (folder / "ray_bootstrap_config.yaml").write_text((ROOT / "cluster.yaml").read_text())
    result = launch("grid_gamma", "--plan", "--scale", "paper", "--address", "auto", cwd=folder, HOME=str(folder))
    assert result.returncode == 0, result.stdout + result.stderr
    said = " ".join(result.stdout.split())
    assert "on the 4 GPUs of the cluster" in said
    assert "GPU-hours" in said
