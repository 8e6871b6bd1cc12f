"""Rows of a study that are computed and not trained: identity, packs, records, failures, the report and the mirror."""

import json
import re
from typing import Any

import pytest
from event_log import EventLog
from probe_studies import computed
from pydantic import ValidationError

from analysis import results, write_report
from analysis.frames.view import View
from analysis.report.findings import findings
from models.specs.probes import AffineMinima, CollapsePoint, PairSlice, PairSplit, PlantedSlice
from study import Probe, study
from study.declare import identity
from study.declare.axes import canonical
from study.errors import DeclarationError
from study.mirror.records import StudyRecords
from study.mirror.views import description, views
from study.pack.cost import CPU_CORE, GPU, largest_useful_pack, seconds
from study.pack.devices import Pool
from study.pack.handover import hand_over, read_pack
from study.pack.pack import make_pack, make_packs
from study.plan.plan import make_plan
from study.record import Home, journal, read
from study.train.probe_run import ProbeRun


@study(gamma=[0.1, 0.01], seed=range(2))
def lines(gamma, seed):
    """Two lines at two values of γ."""
    return Probe(what=PlantedSlice(gamma=gamma, d=5, r=2, kappa=3, points=101), seed=seed)


def test_identity_follows_from_content_alone():
    one = Probe(what=PairSlice(gamma=1), seed=3)
    assert one.trial_id == Probe(seed=3, what=PairSlice(points=40001, gamma=1.0)).trial_id
    assert canonical(one) == {"kind": "Probe", "seed": 3, "what": {"kind": "PairSlice", "gamma": 1.0, "version": 1}}
    others = [PairSlice(gamma=2), PairSlice(gamma=1, b=0.7), PlantedSlice(gamma=1), PairSplit()]
    ids = {
        one.trial_id,
        Probe(what=PairSlice(gamma=1)).trial_id,
        *(Probe(what=what, seed=3).trial_id for what in others),
    }
    assert len(ids) == 6
    assert Probe.model_validate_json(one.model_dump_json()) == one


def test_a_change_of_what_a_probe_computes_is_another_identity(monkeypatch):
    before = Probe(what=PairSplit()).trial_id
    monkeypatch.setattr(PairSplit, "version", 2)
    identity._cached_fields.cache_clear()  # no version changes while a program runs
    after = Probe(what=PairSplit()).trial_id
    monkeypatch.undo()
    identity._cached_fields.cache_clear()
    assert after != before == Probe(what=PairSplit()).trial_id


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: PlantedSlice(gamma=1, r=4, kappa=3), "r = 4 modes need as many latents"),
        (lambda: AffineMinima(eigenvalues=(), gamma=1, kappa=2), "at least 1 item"),
        (lambda: CollapsePoint(hypothesis="mean bias", d=2), "greater than or equal to 3"),
        (lambda: Probe(what="PairSlice"), r"write PairSlice\(gamma=...\)"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_declared(wrong, words):
    with pytest.raises(ValidationError, match=words):
        wrong()


def test_an_axis_that_would_hide_a_measured_number_is_refused():
    @study(split=[1.0, 2.0])
    def hidden(split):
        """An axis named like what is measured."""
        return Probe(what=PairSplit(variance=split))

    with pytest.raises(DeclarationError, match="the axis split has the name of a measured number: rename the axis"):
        hidden.table("laptop").rows()


def test_packs_hold_probes_of_one_kind_and_never_a_trial(make_trial, tmp_path):
    listed = [Probe(what=PairSlice(gamma=g)) for g in (1, 2, 3)] + [Probe(what=PairSplit()), make_trial()]
    packs = make_packs(listed, {}, None, 1, CPU_CORE)
    kinds = sorted(tuple(sorted({getattr(one, "what", one).kind for one in pack.trials})) for pack in packs)
    assert kinds == [("PairSlice",), ("PairSplit",), ("Trial",)]
    with hand_over(Home(tmp_path), packs, print):
        back = [one for pack in packs for one in read_pack(Home(tmp_path), pack.pack_id)[0].trials]
    assert sorted(map(repr, back)) == sorted(map(repr, listed))


def test_a_probe_costs_what_it_declares_wherever_it_runs():
    long = Probe(what=AffineMinima(eigenvalues=(2, 1), gamma=0.1, kappa=2, starts=60_000))
    short = Probe(what=PairSplit())
    assert seconds([long, long], CPU_CORE) == seconds([long, long], GPU) == pytest.approx(2 * long.what.seconds)
    assert largest_useful_pack(long, CPU_CORE) == 1 < largest_useful_pack(short, CPU_CORE) <= 256


def test_order_and_company_change_no_number(tmp_path):
    probes: list[Any] = [row.trial for row in lines.table("laptop").rows()]
    found = []
    for place, order in enumerate(([0, 1, 2, 3], [3, 1], [2, 0])):
        home = Home(tmp_path / str(place))
        run = ProbeRun(pack := make_pack([probes[i] for i in order], {}), list(pack.trials))  # pyright: ignore
        while not run.done:
            run.advance(0.0)
        assert run.commit(home) == list(pack.trial_ids)
        rows = read(home, "evaluations", ["trial_id", "metric", "value"]).to_pylist()
        found.append({(row["trial_id"], row["metric"]): row["value"] for row in rows})
    assert found[0] == found[1] | found[2]
    assert len(found[0]) == 16


def test_a_row_holds_what_a_probe_declares_and_nothing_that_it_has_not(tmp_path):
    computed(Home(tmp_path), lines)
    rows = read(Home(tmp_path), "trials").to_pylist()
    assert {(row["gamma"], row["kappa"], row["d"], row["seed"]) for row in rows} == {
        (gamma, 3, 5, seed) for gamma in (0.1, 0.01) for seed in (0, 1)
    }
    for row in rows:
        assert (row["status"], row["stage"], row["stages"]) == ("finished", "probe", [])
        assert all(row[name] is None for name in ("data_id", "model", "steps", "n_active", "rate_test", "beta"))
    assert make_plan(lines, "laptop", Home(tmp_path)).missing == []


def test_a_probe_that_raises_is_recorded_as_failed_and_its_neighbours_are_not(tmp_path, monkeypatch):
    """By an executor in this process."""
    from models import probes
    from study.run.in_process import InProcess
    from study.run.rounds import train_round
    from study.train import probe_run

    def raising(what, seed):
        if what.gamma == 0.01 and seed == 1:
            raise ArithmeticError("no such line")
        return probes.probe(what, seed)

    monkeypatch.setattr(probe_run, "probe", raising)
    home, plan = Home(tmp_path), make_plan(lines, "laptop", Home(tmp_path))
    packs = make_packs(plan.missing, {}, None, 1, CPU_CORE)
    assert [len(pack.trials) for pack in packs] == [4]
    train_round(packs, home, InProcess((Pool(CPU_CORE, 1),), print), EventLog())
    rows = {row["trial_id"]: row for row in read(home, "trials").to_pylist()}
    failed = [row for row in rows.values() if row["status"] == "failed"]
    assert len(rows) == 4
    assert [(row["gamma"], row["seed"], row["error"]) for row in failed] == [(0.01, 1, "ArithmeticError: no such line")]
    assert {line["event"] for line in journal(home)} == {"begin", "commit"}
    monkeypatch.undo()
    computed(home, lines)
    assert results("lines", home)["status"].eq("finished").all()


def test_a_report_of_probes_shows_what_they_measure_and_nothing_of_trainings(tmp_path):
    home = Home(tmp_path)
    computed(home, lines)
    assert findings(View.of("lines", home)).figures == []
    report = write_report("lines", home)
    page = home.read("studies/lines/report/index.html").decode()
    table = home.read("studies/lines/report/table.md").decode()
    for text in (page, table):
        assert "argmin" in text
        for word in ("n_active", "active", "regime", "At a glance", "nan", "converged"):
            assert word not in re.sub(r"<(style|script).*?</(style|script)>", "", text, flags=re.S), word
    assert "local minima on the grid" in page
    assert report.counts["finished"] == 4
    frame = results("lines", home)
    assert frame["minima"].ge(1).all()
    assert set(frame["regime"]) == {"probe"}


def test_the_mirror_shows_what_probes_measure(tmp_path):
    home = Home(tmp_path)
    computed(home, lines)
    records = StudyRecords(home, "lines")
    entries = list(records.entries(records.committed()))
    assert {entry.name for entry in entries} == {f"γ={g} · s{seed}" for g in ("0.1", "0.01") for seed in (0, 1)}
    for entry in entries:
        assert entry.metrics.keys() == {"minima", "argmin", "lowest", "steepest"}
        assert entry.params["what.kind"] == "PlantedSlice"
        assert not entry.curves
        assert records.files(entry) == {}
    shown = views(records)
    assert shown.keys() == {"cells", "trials", "packs"}
    assert "metrics.`steepest`" in json.dumps(shown["cells"])
    assert "n_active" not in json.dumps([shown["cells"], shown["trials"]]) + description(records, "1")
