"""The declarations for `ray up` that come with the project are ones that Ray accepts."""

import copy

import yaml
from launches import ROOT


def test_the_cluster_declaration_is_valid():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    validate_config(prepare_config(copy.deepcopy(config)))
    types = config["available_node_types"]
    assert types["head"]["resources"] == {"CPU": 0, "GPU": 0}
    assert types["gpu_worker"]["resources"]["GPU"] == 1
    pinned = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("ray=="))
    assert f":{pinned.removeprefix('ray==')}-" in config["docker"]["image"]


def test_the_cluster_declaration_for_machines_of_ones_own_is_valid():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "cluster-local.yaml").read_text())
    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    assert len(config["provider"]["worker_ips"]) == config["min_workers"] == config["max_workers"]
    assert set(prepared["available_node_types"]) == {"local.cluster.node"}
    assert any("--num-cpus=0 --num-gpus=0" in command for command in config["head_start_ray_commands"])
    assert "dashboard-host" not in str(config), "a dashboard that listens beyond loopback"
