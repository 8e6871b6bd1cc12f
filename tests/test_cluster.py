"""cluster.yaml is one that Ray's launcher accepts."""

import copy
from pathlib import Path

import yaml


def test_the_cluster_declaration_is_valid():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((Path(__file__).parents[1] / "cluster.yaml").read_text())
    validate_config(prepare_config(copy.deepcopy(config)))
    assert config["available_node_types"]["head"]["resources"] == {"CPU": 0, "GPU": 0}
