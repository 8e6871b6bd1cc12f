"""The script for a GPU finds what it is to find: wrong steps, and no time. tests/project/test_isolation.py runs all of it."""

import json
import math
import sys
import time
from dataclasses import replace
from functools import partial

import pytest
import torch

from benchmarks.gpu import __main__ as script
from benchmarks.gpu import ways
from benchmarks.gpu.budget import Budget, Deadline
from benchmarks.gpu.correctness import QUICK, TOLERANCE, Checks, halve_until_it_fits, judged, run
from benchmarks.gpu.findings import Findings
from benchmarks.gpu.pack_sizes import advise
from benchmarks.gpu.speed import Job, Limit, Sweep
from benchmarks.networks import NETWORKS
from benchmarks.plain_loop import PlainLoop

FEW = replace(QUICK, steps=3)


def carried_out(monkeypatch, folder, *options):
    """What the script writes, and its exit status."""
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--quick", "--out", str(folder), *options])
    with pytest.raises(SystemExit) as ended:
        script.main()
    return json.loads((folder / "gpu-cpu.json").read_text()), ended.value.code


def test_a_run_without_time_ends_and_names_all_that_it_left_out(tmp_path, monkeypatch):
    found, status = carried_out(monkeypatch, tmp_path, "--minutes", "1e-9")
    assert status == 0
    assert found["complete"]
    assert {line["status"] for line in found["correctness"]} == {"left out"}
    assert not any("step_ms" in line for line in found["speed"])
    assert len(found["left_out"]) == len(found["correctness"]) + len(found["speed"])


def test_a_run_that_is_cut_off_has_written_what_it_knows(tmp_path, monkeypatch):
    def cut_off(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(script.speed.Sweep, "run", cut_off)
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--quick", "--out", str(tmp_path), "--minutes", "0.01"])
    with pytest.raises(KeyboardInterrupt):
        script.main()
    found = json.loads((tmp_path / "gpu-cpu.json").read_text())
    assert not found["complete"]
    assert found["limit"][0]["value"] > 0


def swapped(trials, device):
    """A pack in which two trials have changed places."""
    training = EAGER([trials[1], trials[0], *trials[2:]] if len(trials) > 1 else trials, device)
    training.trials = trials
    return training


EAGER = ways.BUILT["eager"]


def test_packs_that_train_something_else_fail(monkeypatch):
    checks = Checks("cpu", FEW)
    assert checks.equal_the_plain_loop("planted", 3)["status"] == "passed"
    monkeypatch.setitem(ways.BUILT, "eager", swapped)
    line = checks.equal_the_plain_loop("planted", 3)
    assert line["status"] == "failed"
    assert line["worst"] > TOLERANCE


def test_another_way_of_taking_steps_is_held_against_the_eager_one(monkeypatch):
    checks = Checks("cpu", FEW)
    assert checks.takes_the_eager_steps("graph") == {"status": "not built"}
    monkeypatch.setattr(ways, "built", lambda _: list(ways.WAYS))
    monkeypatch.setitem(ways.BUILT, "graph", EAGER)
    assert checks.takes_the_eager_steps("graph")["same_bits"]
    monkeypatch.setitem(ways.BUILT, "graph", swapped)
    assert checks.takes_the_eager_steps("graph")["status"] == "failed"


def test_a_check_that_cannot_tell_trials_apart_fails():
    assert judged([0.0], nearest_neighbour=math.inf)["status"] == "passed"
    assert judged([0.0], nearest_neighbour=TOLERANCE / 2)["status"] == "failed"
    assert judged([math.inf])["status"] == "failed"


def test_a_fault_in_a_check_is_a_line_and_not_the_end():
    def faulty():
        raise RuntimeError("CUDA error")

    lines = list(run({"first": faulty, "second": lambda: {"status": "passed"}}, Deadline()))
    assert [line["status"] for line in lines] == ["failed", "passed"]
    assert lines[0]["why"] == "RuntimeError: CUDA error"


def test_a_check_ends_with_its_time(monkeypatch):
    """In the middle of a training, so that the parts after it get their turn."""
    monkeypatch.setattr(PlainLoop, "done", False)
    deadline = Deadline(time.monotonic() + 1)
    (line,) = run({"endless": partial(Checks("cpu", FEW, deadline).equal_the_plain_loop, "planted", 1)}, deadline)
    assert line == {"check": "endless", "status": "left out", "why": "the time for checks is over"}
    assert -5 < deadline.left <= 0


def test_a_pack_that_does_not_fit_is_halved():
    def train(part):
        if len(part) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    assert halve_until_it_fits(NETWORKS["5-8-5"].trials(16), train)[0] == [16, 8, 4, 2]


def test_a_size_that_cannot_be_measured_is_named_and_its_larger_ones_judged_by_the_smaller():
    sweep = Sweep("cpu", Limit(1e12, 1e10), span_s=0.01)
    jobs = [Job("5-8-5", "eager", 1), Job("5-8-5", "eager", 100_000), Job("5-8-5", "no way", 1)]
    first, large, unknown = sweep.run(jobs, Deadline())
    assert first["step_ms"] > 0
    assert "a step would take up to" in large["left_out"]
    assert "StopIteration" in unknown["left_out"]


def test_the_least_size_that_suffices_is_advised():
    lines = [
        {"network": "5-8-5", "way": "eager", "pack": size, "step_ms": ms, "trials_per_minute": size / ms}
        for size, ms in ((1, 1.0), (64, 1.0), (250, 2.0), (1024, 8.0))
    ]
    (line,) = advise(lines, "cpu")
    assert (line["enough"], line["auto_today"], line["auto_measured_at"]) == (250, 256, 250)
    assert line["auto_of_best"] == pytest.approx(125 / 128)


def test_a_part_that_ends_early_leaves_its_time_to_the_next():
    budget = Budget(100, {"first": 1, "second": 3})
    assert budget.turn("first").left == pytest.approx(25, abs=1)
    assert budget.turn("second").left == pytest.approx(100, abs=1)


def test_goals_and_failed_checks_are_said():
    findings = Findings(None, "gpu-cuda")
    findings.add("correctness", {"check": "a pack twice", "status": "failed"})
    findings.add("speed", {"network": "digits", "times_alone": 120.0})
    findings.add("speed", {"network": "digits", "left_out": "it does not fit the memory"})
    failed, met, missing = script.judge(findings, "cuda")
    assert failed == "checks: 1 failed (a pack twice)"
    assert met == "goal met: digits: 120 × one at a time (at least 100 ×)"
    assert missing == "goal not measured: mnist: no number (at least 50 ×)"
    findings.add("speed", {"network": "mnist", "times_alone": 49.0})
    assert script.judge(findings, "cuda")[-1].startswith("goal missed: mnist: 49 ×")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--device", "mps"], "mps was never tried: give --device cuda or --device cpu"),
        (["--minutes", "nan"], "nan is no number of minutes: give one above 0"),
        (["--out", __file__], "cannot be a folder for numbers"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(monkeypatch, capsys, options, sentence):
    monkeypatch.setattr(sys, "argv", ["gpu", *options])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
