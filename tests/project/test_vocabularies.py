"""Every vocabulary is listed once: a member that nothing carries out is refused, at import or by the type checker."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import study

ROOT = Path(__file__).parents[2]

CLASSES = {
    "Data": ("Noise", "data.py", "models.specs.examples.Examples"),
    "Gamma": ("Guessed", "gamma.py", "models.specs.spec.Spec"),
    "Likelihood": ("Laplace", "likelihood.py", "models.specs.spec.Spec"),
    "Model": ("Transformer", "network.py", "models.specs.gaussian.Gaussian"),
    "Optimiser": ("Lion", "optimisers.py", "models.specs.spec.Spec"),
    "Regulariser": ("Entropy", "objective.py", "models.specs.spec.Spec"),
    "Schedule": ("Sawtooth", "schedules.py", "models.specs.spec.Spec"),
    "Probing": ("Glance", "probes.py", "models.specs.look.Look"),
}
"""Of each union of classes a throw-away member, the file, and what the member derives from."""

TEXTS = {
    "Skip": ("gated", "gaussian.py"),
    "PostVar": ("twofold", "gaussian.py"),
    "Activation": ("sine", "gaussian.py"),
    "Init": ("orthogonal", "gaussian.py"),
    "Norm": ("layer", "image_network.py"),
    "Penalty": ("Welsch", "sparsity.py"),
    "Watched": ("rate", "early_stopping.py"),
}
"""The same of each `Literal`."""


def sources(folder: Path) -> Path:
    """A copy of what declares and what carries out."""
    for package in ("models", "study", "collapsar"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def edit(file: Path, pattern: str, replacement: str) -> None:
    content, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.S | re.M)
    assert count == 1, f"{file} has no {pattern}"
    file.write_text(content)


def extend(folder: Path, vocabularies: Iterable[str]) -> None:
    """List a throw-away member in each of the vocabularies, and nowhere else."""
    for union in vocabularies:
        if union in CLASSES:
            name, file, base = CLASSES[union]
            module, parent = base.rsplit(".", 1)
            declared = f'class {name}({parent}):\n    kind: Literal["{name}"] = "{name}"\n'
            start = f"from typing import Literal\nfrom {module} import {parent}\n\n{declared}\n{union} = Annotated["
            pattern, replacement = rf"^{union} = Annotated\[(.*?)(,\s*Vocabulary)", rf"{start}\1 | {name}\2"
        else:
            name, file = TEXTS[union]
            pattern, replacement = rf"^{union} = Literal\[(.*?)\]", rf'{union} = Literal[\1, "{name}"]'
        edit(folder / "models/specs" / file, pattern, replacement)


def imported(cases: dict[str, tuple[Path, str]]) -> dict[str, str]:
    """What importing a module of a folder says, by case; one process, for torch is imported once."""
    script = """
import importlib, json, sys
said, finders = {}, sys.meta_path[:]
for case, (folder, module) in json.loads(sys.argv[1]).items():
    for known in [name for name in sys.modules if name.split(".")[0] in ("models", "study", "collapsar")]:
        del sys.modules[known]
    sys.meta_path[:] = finders  # which the last copy has added to
    sys.path.insert(0, folder)
    try:
        importlib.import_module(module)
        said[case] = "nothing"
    except TypeError as fault:
        said[case] = str(fault)
    sys.path.remove(folder)
print(json.dumps(said))
"""
    content = json.dumps({case: (str(folder), module) for case, (folder, module) in cases.items()})
    return json.loads(run(script, content, cwd=ROOT))


def run(script: str, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_nothing_carries_out_is_refused_at_import(tmp_path):
    def case(name: str, module: str, *vocabularies: str) -> tuple[Path, str]:
        extend(sources(tmp_path / name), vocabularies)
        return tmp_path / name, module

    cases = {
        "nothing new": case("nothing new", "study.train.measure.metrics"),
        "data": case("data", "models.data.load", "Data"),
        "probe": case("probe", "models.probes", "Probing"),
        "penalty": case("penalty", "models.specs", "Penalty"),
        "price": case("price", "models.loss.code_penalties", "Penalty"),
        "activation": case("activation", "models.networks.heads", "Activation"),
        "init": case("init", "models.networks.heads", "Init"),
        "metric": case("metric", "study.train.measure.metrics"),
        "unlisted metric": case("unlisted metric", "study.train.measure.metrics"),
    }
    edit(tmp_path / "price/models/specs/sparsity.py", r'^    "u": "\{u\}",', '    "u": "{u}",\n    "Welsch": "W {u}",')
    metrics = tmp_path / "metric/models/specs/metrics.py"
    edit(
        metrics,
        r'^    "auroc": Suite\(',
        '    "depth": Suite({"depth": Metric("-", "how deep")}),\n    "auroc": Suite(',
    )
    measured = tmp_path / "unlisted metric/study/train/measure/metrics.py"
    edit(measured, r'^    "auroc": outlier_rows', '    "depth": outlier_rows,\n    "auroc": outlier_rows')
    assert imported(cases) == {
        "nothing new": "nothing",
        "data": "Noise is listed in Data, in models/specs, and nothing carries it out: "
        "decorate a function in models/data with @loads(...)",
        "probe": "Glance is listed in Probing, in models/specs, and nothing carries it out: "
        "decorate a function in models/probes with @computes(...)",
        "penalty": "Welsch is listed in Penalty, in models/specs, and nothing carries it out: add it to WRITTEN, there",
        "price": "Welsch is listed in Penalty, in models/specs, and nothing carries it out: "
        "add it to PENALTIES, in models/loss",
        "activation": "sine is listed in Activation, in models/specs, and nothing carries it out: "
        "add it to ACTIVATIONS, in models/networks",
        "init": "orthogonal is listed in Init, in models/specs, and nothing carries it out: "
        "add it to STD, in models/networks",
        "metric": "depth is listed in SUITES, in models/specs, and nothing carries it out: "
        "add it to MEASURED_BY, in study/train/measure/metrics.py",
        "unlisted metric": "depth is carried out, and not listed in SUITES, in models/specs: add it there",
    }


def test_what_nothing_carries_out_is_refused_by_the_type_checker(tmp_path):
    """And the names of `study` are the same to it as at run time."""
    extend(sources(tmp_path), [*CLASSES, *TEXTS])
    (tmp_path / "names.py").write_text(f"from study import {', '.join([*dir(study), 'Noise', 'Guessed', 'Laplace'])}\n")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "standard", "pythonVersion": "3.11"}))
    files = {
        "models/loss/gamma.py": {"Guessed"},
        "models/loss/build.py": {"Laplace", "Guessed"},
        "models/networks/build.py": {"Transformer"},
        "models/networks/vae.py": {"Literal['gated']"},
        "models/networks/image_vae.py": {"Literal['gated']", "Literal['layer']"},
        "models/networks/heads.py": {"Literal['twofold']"},
        "models/specs/network.py": {"Literal['gated']"},
        "study/train/step/build.py": {"Lion"},
        "study/train/step/early_stopping.py": {"Literal['rate']"},
        "study/train/step/lr_schedule.py": {"Sawtooth"},
        "study/train/step/mmd_penalty.py": {"Entropy"},
    }
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable, *files, "names.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    refused: dict[str, set[str]] = {}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        file = Path(each["file"]).relative_to(tmp_path).as_posix()
        if member := re.search(r'Argument of type "(.*?)" cannot .* in function "assert_never"', each["message"], re.S):
            refused.setdefault(file, set()).add(member[1])
        elif each["severity"] == "error":
            assert file != "names.py", each["message"]
    assert refused == files


def test_a_new_member_is_declared_and_exported_by_its_union_alone(tmp_path):
    extend(sources(tmp_path), CLASSES)
    script = """
from pydantic import TypeAdapter
from models.specs.probes import Probing
from models.specs.objective import Regulariser
from study import Data, Gamma, Likelihood, Model, Noise, Guessed, Laplace, Transformer, Entropy
from study import Lion, Optimiser, Sawtooth, Schedule
kinds = {Data: "Noise", Gamma: "Guessed", Likelihood: "Laplace", Regulariser: "Entropy", Probing: "Glance"}
kinds |= {Optimiser: "Lion", Schedule: "Sawtooth"}
for union, kind in kinds.items():
    print(type(TypeAdapter(union).validate_python({"kind": kind})).__name__)
"""
    assert run(script, cwd=tmp_path).split() == ["Noise", "Guessed", "Laplace", "Entropy", "Glance", "Lion", "Sawtooth"]


def test_a_gamma_mode_that_nothing_carries_out_does_not_train(tmp_path):
    """The hole that there was: it trained as Fixed(1.0), and all checks were green."""
    extend(sources(tmp_path), ["Gamma"])
    script = """
from models.loss.gamma import knobs
from study import Guessed
try:
    knobs(Guessed())
except AssertionError as fault:
    print(fault)
"""
    assert "Guessed" in run(script, cwd=tmp_path)


def test_a_metric_that_is_measured_and_not_declared_is_refused():
    from models.metrics.measurement import Measurement

    with pytest.raises(ValueError, match=r"depth is measured and not declared: add it to SUITES"):
        _ = Measurement("depth", 0.0, 0.0, 1, 0).row
