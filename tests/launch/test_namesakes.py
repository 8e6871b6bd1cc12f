"""Files, packages and studies of one name: each is known by where it lies, and none takes another's place."""

import json
from pathlib import Path

import pytest
from launches import command_here, committed, launch_here

import study
from study.clean import clean
from study.declare.origin import SENT_FROM, origin_of
from study.errors import OptionError
from study.launch.find import find
from study.plan.namesakes import refuse_namesake
from study.plan.plan import make_plan, write_plan
from study.record import Home

NETWORK = '''
from torch import nn

from study import Fixed, MMD, Objective, Own, PlantedManifold, Training, Trial, study


class Net(nn.Module):
    def __init__(self, d, kappa):
        super().__init__()
        self.mu, self.log_var = nn.Linear(d, kappa), nn.Linear(d, kappa)
        self.out = {decoder}

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


@study(seed=[0])
def {name}(seed):
    """A network that another file names likewise."""
    return Trial(
        data=PlantedManifold(d=8, r=2, n=100, n_test=50),
        model=Own.of(Net, kappa=3),
        objective=Objective(gamma=Fixed(0.1)),
        training=Training(steps=3, batch=32),
        seed=seed,
    )
'''

TABLE = '''
from study import VAE, Learned, Objective, PlantedManifold, Training, Trial, study


@study({axes}, seed=[0])
def {name}({axis}, seed):
    """A table that another file names likewise."""
    return Trial(
        data=PlantedManifold(d=8, r=2, n=100, n_test=50),
        model=VAE(kappa={kappa}, encoder=({width},), decoder=(8,)),
        objective=Objective(gamma=Learned()),
        training=Training(steps={steps}, batch=32),
        seed=seed,
    )
'''


def by_kappa(folder, kappas="2, 3", name="one", steps=3, file="exp.py"):
    """A file whose study sweeps κ."""
    return written(folder / file, TABLE, name, f"kappa=[{kappas}]", "kappa", "kappa", 8, steps)


def by_width(folder, widths="16, 32", name="one", file="exp.py"):
    """A file whose study has the same name, and shares no trial with the other."""
    return written(folder / file, TABLE, name, f"width=[{widths}]", "width", 2, "width", 3)


def written(path, text, name, axes, axis, kappa, width, steps):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(name=name, axes=axes, axis=axis, kappa=kappa, width=width, steps=steps))
    return path


def planned(path, home):
    """The study of a file, planned and written into the home, unless that is refused."""
    plan = make_plan(find(f"{path}:one"), "laptop", Home(home))
    refuse_namesake(plan, Home(home))
    write_plan(plan, Home(home))
    return {row.trial.trial_id for row in plan.declared}


def test_two_files_of_one_name_keep_their_own_networks(tmp_path):
    """Launched together, each trains what it trains alone."""
    decoders = {"first": "nn.Linear(kappa, d)", "second": "nn.Sequential(nn.Linear(kappa, 16), nn.Linear(16, d))"}
    for name, decoder in decoders.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "exp.py").write_text(NETWORK.format(name=name, decoder=decoder))
    asked = [f"{tmp_path / name}/exp.py:{name}" for name in decoders]
    together = launch_here(*asked, "--home", tmp_path / "home", "--no-mirror")
    assert together.returncode == 0, together.stdout + together.stderr
    sources = {json.loads(row["declaration"])["model"]["source"] for row in committed(tmp_path / "home")}
    assert len(sources) == 2
    for name, decoder in decoders.items():
        (row,) = make_plan(find(f"{tmp_path / name}/exp.py:{name}"), "laptop", Home(tmp_path / "home")).rows
        assert decoder in row.trial.model.source
        assert row.trial.trial_id in {each["trial_id"] for each in committed(tmp_path / "home")}


def test_a_namesake_from_another_file_is_refused_and_takes_nothing(tmp_path):
    home, first = tmp_path / "home", by_kappa(tmp_path / "a")
    assert launch_here(f"{first}:one", "--home", home, "--no-mirror").returncode == 0
    second = by_width(tmp_path / "b")
    before = {path: path.read_bytes() for path in (home / "studies").rglob("*") if path.is_file()}
    for more in ([], ["--plan"]):
        refused = command_here(f"{second}:one", "--home", home, "--no-mirror", "--in-process", *more)
        assert refused.returncode == 2
        told = refused.stderr
        assert (
            f"already holds a study one, from {first}, and {second} declares none of its 2 trials: rename one" in told
        )
        assert f"another --home, or give the first up (`collapsar clean --home {home} --forget one --delete`)" in told
        assert len(told.splitlines()) == 1
    assert before == {path: path.read_bytes() for path in (home / "studies").rglob("*") if path.is_file()}
    assert clean(Home(home)).trials == 0
    with pytest.raises(OptionError, match="already holds a study one"):
        study.launch(find(f"{second}:one"), home=home, mirror=False, quiet=True)


def test_a_study_that_came_in_between_is_not_overwritten(tmp_path, monkeypatch):
    """Both were planned before either wrote anything."""
    home, first, second = tmp_path / "home", by_kappa(tmp_path / "a"), by_width(tmp_path / "b")
    from study.launch import session

    def interfering(*arguments):
        planned(first, home)
        return carry_out(*arguments)

    carry_out = session.Training.carry_out
    monkeypatch.setattr(session.Training, "carry_out", interfering)
    assert "already holds a study one" in launch_here(f"{second}:one", "--home", home, "--no-mirror").stderr
    assert committed(home) == []


def test_a_study_of_the_catalog_keeps_its_name_in_a_home(tmp_path):
    home = Home(tmp_path / "home")
    write_plan(make_plan(find("rotations"), "laptop", home), home)
    mine = by_kappa(tmp_path, name="rotations")
    with pytest.raises(OptionError, match=r"rotations, from study.catalog.rotations, and .*exp.py declares none of"):
        refuse_namesake(make_plan(find(f"{mine}:rotations"), "laptop", home), home)


# Another path, the same study


def test_a_file_may_be_edited_as_one_likes(tmp_path):
    first = planned(by_kappa(tmp_path / "a"), tmp_path / "home")
    assert first.isdisjoint(planned(by_kappa(tmp_path / "a", steps=4), tmp_path / "home"))


def test_a_file_is_the_same_through_links_and_other_paths(tmp_path, monkeypatch):
    path = by_kappa(tmp_path / "a")
    planned(path, tmp_path / "home")
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    (tmp_path / "hard").mkdir()
    (tmp_path / "hard/exp.py").hardlink_to(path)
    monkeypatch.chdir(tmp_path / "a")
    for steps, other in enumerate((Path("exp.py"), tmp_path / "linked/exp.py", tmp_path / "hard/exp.py"), start=4):
        by_kappa(tmp_path / "a", steps=steps)
        planned(other, tmp_path / "home")


def test_a_copy_in_another_folder_may_repeat_or_extend_the_table(tmp_path):
    """A clone of the user's project declares the same trials."""
    planned(by_kappa(tmp_path / "a"), tmp_path / "home")
    planned(by_kappa(tmp_path / "clone"), tmp_path / "home")
    planned(by_kappa(tmp_path / "clone", "2, 3, 4"), tmp_path / "home")
    with pytest.raises(OptionError, match="declares 2 of its 3 trials"):
        planned(tmp_path / "a/exp.py", tmp_path / "home")


def test_a_file_that_moved_is_known_by_the_trials_that_it_kept(tmp_path):
    home, path = tmp_path / "home", by_kappa(tmp_path / "a")
    planned(path, home)
    with pytest.raises(OptionError, match="declares 1 of its 2 trials"):
        planned(by_kappa(tmp_path / "b", "2, 5"), home)
    path.unlink()
    planned(tmp_path / "b/exp.py", home)
    (tmp_path / "b/exp.py").unlink()
    with pytest.raises(OptionError, match="declares none of its 2 trials"):
        planned(by_width(tmp_path / "c", file="other.py"), home)
    planned(
        by_width(tmp_path / "c"), home
    )  # a file of that name, whose data say by an option where they lie, for example


def test_a_job_knows_its_file_by_the_folder_that_was_sent(tmp_path, monkeypatch):
    """Each job has another copy of the folder, and earlier copies may still be there."""
    monkeypatch.setenv(SENT_FROM, "/home/me/project")
    for steps, copy in enumerate(("pkg_1", "pkg_2"), start=3):
        path = by_kappa(tmp_path / copy, steps=steps)
        monkeypatch.chdir(path.parent)
        planned(Path("exp.py"), tmp_path / "home")
        assert origin_of("exp.py") == "/home/me/project/exp.py"
    assert origin_of(str(by_kappa(tmp_path / "elsewhere"))) == str(tmp_path / "elsewhere/exp.py")


def test_a_notebooks_cell_is_known_by_the_notebook_or_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ipykernel_17").mkdir()
    cell = by_kappa(tmp_path / "ipykernel_17", file="4711.py")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert origin_of("<stdin>") == origin_of(str(cell)) == f"a notebook or console in {tmp_path}"
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/sweep.ipynb")
    assert origin_of(str(cell)) == "/home/me/sweep.ipynb"


# Within one launch, and within one file


def test_two_studies_of_one_name_are_refused_however_they_come(tmp_path):
    first, second = by_kappa(tmp_path / "a"), by_width(tmp_path / "b")
    told = command_here(f"{first}:one", f"{second}:one", "--plan", "--home", tmp_path / "home").stderr
    assert f"{first}:one and {second}:one are both named one" in told
    mine = find(f"{first}:one")
    by_kappa(tmp_path / "a", steps=4)
    with pytest.raises(OptionError, match="both named one"):
        study.launch(mine, find(f"{first}:one"), plan=True, home=tmp_path / "home", quiet=True)


def test_a_study_that_is_asked_for_twice_is_launched_once(tmp_path):
    path = by_kappa(tmp_path / "a")
    other = f"{tmp_path}/b/../a/exp.py"
    (tmp_path / "b").mkdir()
    result = command_here(f"{path}:one", f"{other}:one", "--plan", "--home", tmp_path / "home")
    assert result.stdout.count("2 trials declared") == 1, result.stderr


def test_two_studies_of_one_name_in_a_file_are_refused(tmp_path):
    path = by_kappa(tmp_path)
    path.write_text(path.read_text() + "\n\nother = study(kappa=[4], seed=[1])(one.table('laptop').function)\n")
    told = command_here(f"{path}:one", "--plan").stderr
    assert f"{path} declares 2 studies named one: rename their functions" in told


def test_a_report_does_not_take_a_namesakes_findings(tmp_path, monkeypatch):
    """The home was moved to another machine, where a file of that name declares another study."""
    from analysis.report.report import write_report

    monkeypatch.chdir(tmp_path)
    path = by_kappa(tmp_path)
    planned(Path("exp.py"), tmp_path / "home")
    path.unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    other = by_width(tmp_path / "elsewhere")
    other.write_text(other.read_text() + "\n\n@one.claims\ndef says(view):\n    return []\n")
    assert "declares another study of that name" in write_report("one", tmp_path / "home").faults[0]
