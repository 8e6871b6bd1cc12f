"""What docs/your_own_network.md shows works as it stands there."""

import re
from typing import Any

import torch
from launches import ROOT, launch_here

from analysis import results
from study import load

PAGE = (ROOT / "docs/your_own_network.md").read_text(encoding="utf-8")


def test_the_example_goes_from_its_file_to_the_report_in_one_launch(tmp_path):
    network, term, metric, _ = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    wholly = network.replace("Objective(", "Objective(terms=terms, ").replace("Trial(", "Trial(metrics=metrics, ")
    head, study = wholly.split("@study", 1)
    (tmp_path / "mine.py").write_text(f"{head}{term}{metric}\n@study{study}", encoding="utf-8")
    result = launch_here("mine.py:widths", "--home", "runs", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "one by one" not in result.stdout
    report = (tmp_path / "runs/studies/widths/report/index.html").read_text(encoding="utf-8")
    assert "largest |correlation| of two latents" in report
    assert "fourth moment test" in report
    network: Any = load(results("widths", tmp_path / "runs")["trial_id"][0], tmp_path / "runs")
    x = torch.zeros(3, 8)
    with torch.no_grad():
        mu, _ = network.encode(x)
    assert torch.equal(mu[0], mu[1])  # no dropout, no statistics of a batch
    assert network.decode(mu).shape == (3, 8)
    assert type(network.network).__name__ == "Mine"


def test_every_name_that_a_result_may_have_is_on_the_page():
    from models.networks.own_outputs import DECODED, LOG_VARIANCES, MEANS

    for name in (*MEANS[:5], *LOG_VARIANCES[:5], *DECODED[:7]):
        assert f"`{name}`" in PAGE, name
