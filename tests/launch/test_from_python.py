"""`study.launch(my_grid)`: what the command does, as a function that returns what was done."""

import inspect
import pydoc
import signal
import sys
import threading

import pytest
from brittle_study import write_brittle
from cell_study import CELL
from launches import write_study

import study
from study.errors import REFUSALS, DeclarationError, HomeBusyError, OptionError
from study.launch import call
from study.launch.find import find
from study.record import LAUNCH_LOCK, Home, read
from study.train.pack_run import PackRun


@pytest.fixture
def cell():
    """A study that lies in no file."""
    names = {"__name__": "__main__"}
    exec(compile(CELL, "<cell 1>", "exec"), names)
    return names["cell"]


def launched(*studies, **options):
    """What a launch without a mirror did."""
    return study.launch(*studies, mirror=False, **options)


def counts(result):
    return [
        (one.name, one.selected, one.already_there, one.finished, one.diverged, one.failed) for one in result.studies
    ]


@pytest.mark.every_python
def test_a_launch_returns_what_it_did_and_the_next_one_trains_nothing(cell, tmp_path, capsys):
    result = launched(cell, home=tmp_path)
    assert counts(result) == [("cell", 8, 0, 8, 0, 0)]
    assert result
    assert result.is_settled
    assert result.home == str(tmp_path)
    assert result.studies[0].report == f"{tmp_path}/studies/cell/report/index.html"
    assert "8 declared, 0 already there, 8 finished, 0 diverged, 0 failed" in capsys.readouterr().out
    before = read(Home(tmp_path), "trials").num_rows
    again = launched(cell, home=str(tmp_path))
    assert counts(again) == [("cell", 8, 8, 0, 0, 0)]
    assert read(Home(tmp_path), "trials").num_rows == before


OWN = """
from torch import nn
from study import Own


class Mine(nn.Module):
    encode = decode = len


@study(seed=[0])
def networked(seed):
    'A network of the cell, too.'
    return cell.table("laptop").rows()[0].trial.model_copy(update={"model": Own.of(Mine, kappa=2)})
"""


def test_a_network_of_a_cell_is_refused_since_its_source_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)  # a worker of xdist has none
    names = {"__name__": "__main__"}
    exec(compile(CELL + OWN, "<cell 1>", "exec"), names)
    with pytest.raises(DeclarationError, match=r"the source of Mine cannot be read: define it in a \.py file"):
        launched(names["networked"], home=tmp_path / "home")


def test_a_part_of_a_table_is_chosen_by_its_values(cell, tmp_path):
    result = launched(cell, home=tmp_path, only={"kappa": 2, "gamma": [study.Fixed(4.0)], "seed": range(2)}, pack=1)
    assert counts(result) == [("cell", 2, 0, 2, 0, 0)]
    assert result.studies[0].declared == 8
    assert set(read(Home(tmp_path), "trials", ["pack_size"]).column(0).to_pylist()) == {1}


def test_a_quiet_launch_prints_nothing(tmp_path, capsys):
    result = launched(f"{write_brittle(tmp_path)}:brittle", home=tmp_path / "home", quiet=True)
    assert capsys.readouterr() == ("", "")
    assert not result
    assert counts(result) == [("brittle", 6, 0, 2, 2, 2)]
    assert {failure.reason for failure in result.failures} == {"RuntimeError: this network cannot be trained"}
    assert {failure.axes["fault"] for failure in result.failures} == {True}


def test_two_studies_train_together_and_are_counted_one_by_one(tmp_path):
    path = write_study(tmp_path, steps=20)
    result = launched(find(f"{path}:tiny"), f"{path}:neighbour", home=tmp_path / "home")
    assert counts(result) == [("tiny", 12, 0, 12, 0, 0), ("neighbour", 8, 0, 8, 0, 0)]
    assert read(Home(tmp_path / "home"), "trials").num_rows == 16


def test_a_plan_trains_nothing(cell, tmp_path, capsys):
    result = launched(cell, home=tmp_path / "home", plan=True)
    assert (result.studies[0].not_trained, result.is_settled) == (8, False)
    assert "8 trials declared" in capsys.readouterr().out
    assert not (tmp_path / "home").exists()


WRONG = {
    "no study": ((), {}, "name a study"),
    "no such study": (("grid_gama",), {}, "did you mean grid_gamma?"),
    "a function": ((len,), {}, "is no study: decorate a function"),
    "no such axis": (("grid_gamma",), {"only": {"kapa": 2}}, "has no axis kapa"),
    "no such value": (("grid_gamma",), {"only": {"kappa": [2, 3]}}, "has no value 3"),
    "pack": (("grid_gamma",), {"pack": 0}, "is no pack size"),
    "scale": (("grid_gamma",), {"scale": "thesis"}, "there is no scale 'thesis': choose laptop or paper"),
    "artifacts": (("grid_gamma",), {"artifacts": "some"}, "there are no artifacts 'some'"),
    "tracking": (("grid_gamma",), {"tracking_uri": "./mlruns"}, "is no address of MLflow's"),
    "width": (("grid_gamma",), {"refine": 2.0}, "is not a relative width"),
    "two places": (("grid_gamma",), {"in_process": True, "address": "auto"}, "leave one of them out"),
    "sent away": (("grid_gamma",), {"address": "http://127.0.0.1:1"}, "takes launches from the command line alone"),
    "home": (("grid_gamma",), {"home": "gopher://x"}, "cannot be opened"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_command_refuses_is_an_exception(name, tmp_path):
    studies, options, words = WRONG[name]
    with pytest.raises(REFUSALS, match=words):
        launched(*studies, **{"home": tmp_path / "home"} | options)
    assert not (tmp_path / "home").exists()


def test_a_scale_that_is_not_declared_and_two_studies_of_one_name_are_refused(cell, tmp_path):
    with pytest.raises(OptionError, match="cell declares no paper scale"):
        launched(cell, home=tmp_path, scale="paper")
    path = tmp_path / "other.py"
    path.write_text(CELL)
    with pytest.raises(OptionError, match="are both named cell"):
        launched(cell, f"{path}:cell", home=tmp_path)


def test_a_home_in_which_the_study_is_at_work_is_refused(cell, tmp_path):
    with Home(tmp_path).claim(LAUNCH_LOCK.format("cell"), "process 1"), pytest.raises(HomeBusyError, match="process 1"):
        launched(cell, home=tmp_path, quiet=True)


def test_ctrl_c_loses_no_committed_pack_and_handlers_stay_as_they_were(cell, tmp_path, monkeypatch, capsys):
    def interrupted(self, seconds):
        if read(Home(tmp_path), "trials").num_rows == 3:
            raise KeyboardInterrupt
        return advance(self, seconds)

    advance, handlers = PackRun.advance, [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(PackRun, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        launched(cell, home=tmp_path, pack=1)
    assert "interrupted: 3 of 8 trials have a result" in capsys.readouterr().out
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    monkeypatch.undo()
    assert counts(launched(cell, home=tmp_path)) == [("cell", 8, 3, 5, 0, 0)]


def test_a_launch_in_a_thread_of_a_program_touches_no_signal(cell, tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(launched(cell, home=tmp_path, quiet=True)))
    thread.start()
    thread.join()
    assert counts(results[0]) == [("cell", 8, 0, 8, 0, 0)]


def test_the_package_and_the_function_take_the_same_arguments(cell, tmp_path):
    """What type checkers see as `study.launch` is the function; what runs is the package, which calls it."""
    assert sys.modules["study.launch"] is study.launch
    assert counts(call.launch(cell, home=tmp_path, plan=True, quiet=True)) == counts(
        study.launch(cell, home=tmp_path, plan=True, quiet=True)
    )


def test_the_decorator_and_the_package_are_one_name(cell, tmp_path):
    """A notebook has `from study import study` in one cell and `import study` in another, in any order."""
    names = {}
    exec("import study as package\nfrom study import *\nfrom study import study", names)
    assert names["study"] is names["package"] is study
    assert names["study"].launch(cell, home=tmp_path, mirror=False, plan=True) is not None
    with pytest.raises(DeclarationError, match=r"axes have names: write @study\(seed=range\(3\)\)"):
        names["study"](lambda seed: seed)


def test_help_says_what_to_write_and_nothing_of_how_it_is_made():
    """`help(Training)` was 541 lines long, nearly all of them pydantic's; `help(launch)` listed files."""
    for kind in (study.Training, study.ImageFolder, study.Own):
        page = pydoc.plain(pydoc.render_doc(kind))
        assert len(page.splitlines()) < 120
        assert "model_dump" not in page
        assert "Annotated" not in page
    assert "steps: int = 0, batch: int = 256, lr: float = 0.001" in str(inspect.signature(study.Training))
    assert {"home", "only", "plan"} <= inspect.signature(study.launch).parameters.keys()
    assert 'done = study.launch(my_grid, home="runs"' in pydoc.render_doc(study.launch)
