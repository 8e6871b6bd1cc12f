"""`ray up` for real, on hosts of their own with sshd, and a launch onto them by the README's commands."""

import re
import signal
import sys
import time
from pathlib import Path

import pytest
import yaml
from hosts import network, obstacle
from launches import ROOT, assert_each_trained_to_its_end_once, committed, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

TRIALS = 297
"""What grid_gamma declares at laptop scale."""

MLFLOW_RUNS = """
from mlflow import MlflowClient
client, runs, token = MlflowClient("http://127.0.0.1:5000"), [], None
experiment = client.get_experiment_by_name("grid_gamma").experiment_id
while token is not None or not runs:
    page = client.search_runs([experiment], "attributes.status != 'RUNNING'", page_token=token)
    runs, token = runs + page, page.token
    if not token:
        break
print("trials:", len([run for run in runs if "trial_id" in run.data.tags]),
      len({run.data.tags["trial_id"] for run in runs if "trial_id" in run.data.tags}))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A laptop with the project, and three machines that have what the project depends on and nothing else of it."""
    if reason := obstacle():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("hosts")
    with network(folder, ["head", "worker1", "worker2"]) as made:
        for host in made.hosts.values():
            host.run(f"mkdir collapsar && ln -s {sys.prefix} collapsar/.venv")
        declaration = (ROOT / "cluster-local.yaml").read_text().replace("ssh_user: ubuntu", "ssh_user: root")
        (made.shared / "cluster.yaml").write_text(declaration)
        at_home(made, f"cp /shared/cluster.yaml {ROOT}")
        yield made


def test_every_command_of_cluster_yaml_runs_on_clean_machines(tmp_path):
    """In the order of `ray up`, without the cloud: its image has Python, Ray and MLflow on the path."""
    if reason := obstacle():
        pytest.skip(reason)
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    with network(tmp_path, ["head", "worker"], "198.51.100") as made:
        head, worker = made.hosts["head"], made.hosts["worker"]
        carry_out(config, head, "head")
        for path in config["cluster_synced_files"]:
            token = head.run(f"cat {path}").stdout
            worker.run(f"mkdir -p $(dirname {path}) && echo -n {token} > {path}")
        carry_out(config, worker, "worker")
        status = f"RAY_AUTH_MODE=token {sys.prefix}/bin/ray status"  # the autoscaler's, which looks every few seconds
        wait_for(lambda: len(re.findall("node_[0-9a-f]+", head.run(status).stdout)) == 2, "second node")
        wait_for(lambda: head.run("curl -sf http://127.0.0.1:5000/health").stdout == "OK", "MLflow server")
        carry_out(config, head, "head")  # `ray up` again
        assert len(re.findall("mlflow server --host", head.run("ps ax").stdout)) == 1


def carry_out(config, host, kind):
    """The commands that `ray up` has for a head or a worker, but for the one option that needs the cloud."""
    host.run(f"mkdir -p collapsar && rsync -a --exclude .venv --exclude .git --exclude runs {ROOT}/ collapsar")
    lists = (config["setup_commands"], config.get(f"{kind}_setup_commands", []), config[f"{kind}_start_ray_commands"])
    for command in [command for commands in lists for command in commands]:
        offline = command.replace("--autoscaling-config=~/ray_bootstrap_config.yaml", "--num-cpus=0 --num-gpus=0")
        result = host.run(f"export PATH={sys.prefix}/bin:$PATH RAY_HEAD_IP=198.51.100.1; {offline}")
        assert result.returncode == 0, f"{command}: {result.stdout}"


def on_the_laptop(command):
    return f"cd {ROOT} && source {sys.prefix}/bin/activate && {command}"


def at_home(cluster, command, patience_s=300):
    """A command of the user's, in the project on the laptop; its output."""
    result = cluster.laptop.run(on_the_laptop(command), patience_s)
    return result.returncode, result.stdout


def home_of(cluster):
    return cluster.shared / "runs"


def test_the_commands_of_the_readme_and_a_worker_cut_off_in_the_middle(cluster):
    log = cluster.shared / "launch.log"
    began = time.monotonic()
    command = "ray up -y cluster.yaml > /shared/up.log 2>&1 && python -m study.launch grid_gamma --scale laptop"
    with cluster.laptop.start(f"{on_the_laptop(command)} > /shared/launch.log 2>&1", start_new_session=True) as launch:
        wait_for(lambda: launch.poll() is not None or len(committed(home_of(cluster))) > 40, "commits", 1200)
        assert launch.poll() is None, log.read_text() + (cluster.shared / "up.log").read_text()[-2000:]
        cluster.cut("worker2")
        there = len(committed(home_of(cluster)))
        launch.send_signal(signal.SIGHUP)  # the laptop is closed
        cluster.laptop.run("pkill -HUP -f study.launch")
    said = log.read_text()
    assert "grid_gamma at laptop scale on the cluster of cluster.yaml (head 192.0.2.1), submitted as" in said
    assert there < TRIALS, "the worker was cut off when all was done"
    status, output = at_home(cluster, "python -m study.launch --attach grid_gamma", 1800)
    print(f"{there} of {TRIALS} were committed when worker2 was cut off; {time.monotonic() - began:.0f} s in all")
    assert status == 0, output
    assert f"{TRIALS} declared, 0 already there, {TRIALS} finished, 0 diverged, 0 failed" in output
    assert_each_trained_to_its_end_once(home_of(cluster), TRIALS)


def test_a_second_launch_finds_everything_there(cluster):
    status, output = at_home(cluster, "python -m study.launch grid_gamma --scale laptop")
    assert status == 0, output
    assert f"{TRIALS} declared, {TRIALS} already there, 0 finished" in output


def test_the_heads_mlflow_has_one_run_a_trial(cluster):
    (cluster.shared / "count.py").write_text(MLFLOW_RUNS)
    result = cluster.hosts["head"].run("collapsar/.venv/bin/python /shared/count.py")
    assert f"trials: {TRIALS} {TRIALS}\n" in result.stdout, result.stdout


def test_nothing_but_ssh_leads_to_the_dashboard_and_to_mlflow_and_ray_wants_its_token(cluster):
    head = cluster.hosts["head"]
    sockets = head.run("ss -ltnH").stdout
    listening = {tuple(line.split()[3].rsplit(":", 1)) for line in sockets.splitlines()}
    for port in ("8265", "5000"):
        assert {address for address, open_port in listening if open_port == port} == {"127.0.0.1"}, sockets
    answer = head.run("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8265/api/jobs/").stdout
    assert answer == "401"
    assert not re.search(r"[0-9a-f]{64}", (cluster.shared / "launch.log").read_text()), "the token was printed"


def test_a_head_that_does_not_answer_is_an_error_and_no_local_run(cluster):
    cluster.cut("head")
    try:
        status, output = at_home(cluster, "python -m study.launch grid_gamma --scale laptop")
    finally:
        cluster.mend("head")
    assert status == 2, output
    assert "the head of cluster.yaml, 192.0.2.1, runs and does not answer" in output
    assert "--address local trains here instead" in output


def test_a_cluster_that_was_taken_down_is_no_place_to_train(cluster):
    status, output = at_home(cluster, "ray down -y cluster.yaml")
    assert status == 0, output
    status, output = at_home(cluster, "python -m study.launch grid_gamma --plan")
    assert status == 0, output
    assert f"grid_gamma at laptop scale on this machine, home {Path(ROOT) / 'runs'}" in output
