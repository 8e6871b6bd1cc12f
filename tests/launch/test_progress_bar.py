"""What a person sees while packs train: counts that are true, sentences that are said once, and no bar where none can be."""

import io
import warnings

import pytest
from rich.console import Console
from two_studies import a_trial, first, grown, plan_of, second

from study.launch import progress_bar
from study.launch.progress_bar import ProgressBar
from study.pack.cost import seconds
from study.pack.pack import make_pack
from study.plan.launch_plan import LaunchPlan
from study.record import Home, commit, new_commit_id


@pytest.fixture
def plan(tmp_path):
    return plan_of(Home(tmp_path), first, second)


def shown(bar):
    return bar._counts()


def put(home, trial):
    commit_id = new_commit_id()
    row = {"trial_id": trial.trial_id, "commit_id": commit_id, "status": "finished", "attempt": 1}
    commit(home, commit_id, {"trials": [row]})


def test_the_time_left_is_of_what_packs_cost(tmp_path):
    """Of two packs with as many trials the long one is half done: what is left is half of it, and the short one."""
    long, short = [[a_trial(2, seed, steps) for seed in range(3)] for steps in (4000, 2000)]
    packs = [make_pack(trials, {}) for trials in (long, short)]
    bar = ProgressBar(Console(quiet=True), plan_of(Home(tmp_path), first))
    bar.begin(packs)
    costs = [seconds(pack.trials) for pack in packs]
    assert costs[0] > 1.5 * costs[1]
    bar.progress(packs[0].pack_id, {"step": 2000, "steps": 4000})
    assert bar._cost_left() == pytest.approx(costs[0] / 2 + costs[1])
    bar.committed(packs[0].pack_id)
    assert bar._cost_left() == pytest.approx(costs[1])
    bar.grown(plan_of(Home(tmp_path), first, grown))  # of six further rows it is known only how many they are
    assert bar._cost_left() == pytest.approx(costs[1] + sum(costs))
    bar.begin([make_pack(short, {})])  # the short pack failed, and is tried again
    assert bar._cost_left() == pytest.approx(costs[1] + sum(costs))


def test_rows_that_come_later_are_counted_with_the_others(plan, tmp_path):
    bar = ProgressBar(Console(quiet=True), plan)
    assert shown(bar) == "0/9 trials"
    bar.grown(plan_of(Home(tmp_path), first, grown))
    assert shown(bar) == "0/12 trials"


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
