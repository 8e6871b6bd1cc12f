"""What docs/your_own_network.md shows works as it stands there."""

import re
from typing import Any

import torch
from launches import ROOT, launch_here

from analysis import results
from study import load

PAGE = (ROOT / "docs/your_own_network.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def test_the_example_goes_from_its_file_to_the_report_in_one_launch(tmp_path):
    (tmp_path / "mine.py").write_text("\n".join(BLOCKS), encoding="utf-8")
    result = launch_here("mine.py:widths", "--home", "runs", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "one by one" not in result.stdout
    assert (tmp_path / "runs/studies/widths/report/index.html").exists()
    network: Any = load(results("widths", tmp_path / "runs")["trial_id"][0], tmp_path / "runs")
    x = torch.zeros(3, 8)
    with torch.no_grad():
        mu, _ = network.encode(x)
    assert torch.equal(mu[0], mu[1])  # no dropout, no statistics of a batch
    assert network.decode(mu).shape == (3, 8)
    assert type(network.network).__name__ == "Mine"


def test_the_examples_of_a_term_and_a_metric_are_in_the_report(tmp_path):
    (tmp_path / "mine.py").write_text("\n".join(BLOCKS), encoding="utf-8")
    result = launch_here("mine.py:apart", "--home", "runs", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {"overlap", "fourth_train", "fourth_test"} <= set(results("apart", tmp_path / "runs").columns)
    report = (tmp_path / "runs/studies/apart/report/index.html").read_text(encoding="utf-8")
    assert "largest |correlation| of two latents" in report


def test_every_name_that_a_result_may_have_is_on_the_page():
    from models.networks.own_outputs import DECODED, LOG_VARIANCES, MEANS

    for name in (*MEANS[:5], *LOG_VARIANCES[:5], *DECODED[:7]):
        assert f"`{name}`" in PAGE, name
