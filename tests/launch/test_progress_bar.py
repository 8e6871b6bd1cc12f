"""What a person sees while packs train: counts that are true, sentences that are said once, and no bar where none can be."""

import io
import re
import warnings
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.text import Text
from two_studies import a_trial, first, grown, plan_of, second

from study.launch import progress_bar
from study.launch.progress_bar import ProgressBar
from study.pack.pack import make_pack
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import make_plan
from study.record import Home, commit, new_commit_id


@pytest.fixture
def plan(tmp_path):
    return plan_of(Home(tmp_path), first, second)


def shown(bar, width=200):
    return bar.counts(width).removesuffix(" · 0:00 elapsed")


def put(home, trial):
    commit_id = new_commit_id()
    row = {"trial_id": trial.trial_id, "commit_id": commit_id, "status": "finished", "attempt": 1}
    commit(home, commit_id, {"trials": [row]})


def test_packs_in_training_are_told_by_their_steps(tmp_path):
    """Also before the first pack ends, when no trial is done."""
    one, other = (make_pack([a_trial(kappa, seed, 4000) for seed in range(3)], {}) for kappa in (2, 3))
    bar = ProgressBar(Console(quiet=True), plan_of(Home(tmp_path), first))
    bar.begin([one, other])
    assert shown(bar) == "0/6 trials"
    bar.progress(one.pack_id, {"step": 1000, "steps": 4000, "taken": 1000, "took_s": 1.0})
    assert shown(bar).startswith("0/6 trials · 1 pack at step 1,000/4,000 · ")
    assert shown(bar).endswith(" · … left")
    bar.progress(one.pack_id, {"step": 2000, "steps": 4000, "taken": 1000, "took_s": 5.0})
    bar.progress(other.pack_id, {"step": 0, "steps": 4000, "taken": 0, "took_s": 1.0, "diverged": 1})
    text = shown(bar)
    assert "0/6 trials · 2 packs at 25 % · " in text
    assert text.endswith(" trials/min · 0:22 left · 1 diverged")
    for pack in (one, other):
        bar.progress(pack.pack_id, {"step": 4000, "steps": 4000, "taken": 2000, "took_s": 5.0})
    assert "2 packs being measured" in shown(bar)
    bar.progress(one.pack_id, {"done": 1})  # a worker's last word, after the commit
    for pack in (one, other):
        bar.committed(pack.pack_id)
    assert re.fullmatch(r"6/6 trials · \d+ trials/min", shown(bar))


def test_what_does_not_fit_is_left_out_whole(tmp_path):
    bar = ProgressBar(Console(quiet=True), plan_of(Home(tmp_path), first))
    pack = make_pack([a_trial(2, seed, 4000) for seed in range(3)], {})
    bar.begin([pack])
    for _ in range(2):
        bar.progress(pack.pack_id, {"step": 2000, "steps": 4000, "taken": 1000, "took_s": 5.0})
    whole = bar.counts(200)
    for width in range(len("0/6 trials"), len(whole) + 1):
        assert len(shown(bar, width)) <= width
        assert set(shown(bar, width).split(" · ")) <= set(whole.split(" · "))
    assert shown(bar, 30).endswith(" left")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_bar_is_one_line_of_the_terminal_and_nothing_in_it_is_cut(tmp_path, width):
    console = Console(file=(out := io.StringIO()), width=width, force_terminal=True, _environ={"TERM": "xterm"})
    with ProgressBar(console, plan_of(Home(tmp_path), first), in_process=True) as bar:
        pack = make_pack([a_trial(2, seed, 4000) for seed in range(3)], {})
        bar.begin([pack])
        for step in (2000, 3000):
            bar.progress(pack.pack_id, {"step": step, "steps": 4000, "taken": 1000, "took_s": 50.0})
    last = Text.from_ansi(out.getvalue()).plain.splitlines()[-1]
    assert len(last) <= width
    assert ("elapsed" in last) == (width > 80)
    assert last.startswith("training ")
    assert "0/6 trials · " in last
    assert " left" in last
    assert "…" not in last
    assert ("trials/min" in last) == (width > 80)


def test_rows_that_come_later_are_counted_with_the_others(plan, tmp_path):
    bar = ProgressBar(Console(quiet=True), plan)
    assert shown(bar) == "0/9 trials"
    bar.grown(plan_of(Home(tmp_path), first, grown))
    assert shown(bar) == "0/12 trials"


def test_what_is_already_there_is_not_counted(tmp_path):
    """The bar counts what the line above it says is to train, also of a part of the table."""
    home = Home(tmp_path)
    for seed in range(2):
        put(home, a_trial(2, seed))
    assert shown(ProgressBar(Console(quiet=True), plan_of(home, first))) == "0/4 trials"
    part = LaunchPlan((make_plan(first, "laptop", home, {"kappa": ["2"]}),))
    assert shown(ProgressBar(Console(quiet=True), part)) == "0/1 trials"


def test_a_search_s_later_rounds_are_counted_from_the_beginning(plan):
    searched = SimpleNamespace(remaining=Counter({None: 5}))
    whole, part = (
        replace(each, growth=searched) for each in (plan.plans[0], replace(plan.plans[0], only={"seed": ["1"]}))
    )
    assert shown(ProgressBar(Console(quiet=True), replace(plan, plans=(whole,)))) == "0/11 trials"
    assert shown(ProgressBar(Console(quiet=True), replace(plan, plans=(part,)))) == "0/6 trials"


def test_a_bar_that_starts_anew_counts_what_the_home_holds(plan, tmp_path):
    home = Home(tmp_path)
    bar = ProgressBar(Console(file=(out := io.StringIO())), plan)
    pack = make_pack([a_trial(2, 0)], {})
    bar.begin([pack])
    bar.progress(pack.pack_id, {"step": 5, "steps": 10})
    for seed in range(2):
        put(home, a_trial(2, seed))
    bar.restarted(plan.replan(home), "Ray's raylet on this machine died")
    assert shown(bar) == "2/9 trials"
    assert "Ray's raylet on this machine died" in out.getvalue()


def test_a_refusal_is_said_once_until_something_is_committed(plan):
    bar = ProgressBar(Console(file=(out := io.StringIO()), width=200), plan)
    pack = make_pack([a_trial(2, 0)], {})
    bar.begin([pack])
    for _ in range(3):
        bar.waiting("throttled")
    bar.committed(pack.pack_id)
    bar.waiting("throttled")
    assert out.getvalue().count("throttled; trying again for up to 10 minutes") == 2


def test_without_a_terminal_a_line_comes_now_and_then(plan, monkeypatch):
    monkeypatch.setattr(progress_bar, "LINE_EVERY_S", 0.0)
    bar = ProgressBar(Console(file=(out := io.StringIO())), plan)
    pack = make_pack([a_trial(2, 0)], {})
    bar.begin([pack])
    bar.committed(pack.pack_id)
    assert "training: 1/9 trials" in out.getvalue()


def test_a_notebook_that_cannot_draw_a_bar_gets_lines_and_no_warning(plan, monkeypatch):
    monkeypatch.setattr(progress_bar, "find_spec", lambda _: None)
    console = Console(file=(out := io.StringIO()))
    console.is_jupyter = True
    monkeypatch.setattr(console, "print", lambda text: out.write(text))
    monkeypatch.setattr(progress_bar, "LINE_EVERY_S", 0.0)
    with warnings.catch_warnings(), ProgressBar(console, plan, in_process=True) as bar:
        warnings.simplefilter("error")
        pack = make_pack([a_trial(2, 0)], {})
        bar.begin([pack])
        bar.committed(pack.pack_id)
    assert "training: 1/9 trials" in out.getvalue()


def test_in_process_the_terminal_is_drawn_on_by_events_alone(plan):
    """So a debugger that waits for a person has it to itself."""
    assert ProgressBar(Console(quiet=True), plan, in_process=True)._progress.live.auto_refresh is False
    assert ProgressBar(Console(quiet=True), plan)._progress.live.auto_refresh is True


def test_a_bar_without_trials_is_no_fault():
    with ProgressBar(Console(quiet=True), LaunchPlan(())) as bar:
        assert shown(bar) == "0/0 trials"
