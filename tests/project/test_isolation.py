"""What each room runs without, in processes where everything else cannot be imported.

Records need pyarrow, reports no torch, no Ray and no MLflow, and the training core nothing but torch and pydantic.
"""

import json

import pytest
from blocked_imports import run_with
from made_up_studies import PLANTED, gamma_grid

from study.record import Home

RECORDS = {"study", "pyarrow", "numpy", "safetensors"}
RICH = {"rich", "pygments", "markdown_it", "mdurl"}
TABLES = {"analysis", "pandas", "pytz", "dateutil", "six", "tzdata", "scipy", "jaxtyping"}
FIGURES = {
    "matplotlib",
    "mpl_toolkits",
    "cycler",
    "kiwisolver",
    "pyparsing",
    "packaging",
    "PIL",
    "contourpy",
    "fontTools",
}
PAGES = {"itables", "platformdirs", "vl_convert"}
ALTAIR = {"altair", "narwhals", "jinja2", "markupsafe", "jsonschema", "jsonschema_specifications", "referencing"}
ALTAIR |= {"rpds", "attr", "attrs", "typing_extensions"}
PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_inspection", "typing_extensions"}
TYPER = {"typer", "click", "annotated_doc", "shellingham", *PYDANTIC}
TORCH = {"torch", "torchgen", "functorch", "numpy", "typing_extensions", "tqdm", "sympy", "mpmath"}
"""torch, and what it imports itself when tensors are trained on a CPU."""
CORE = {"study", "models", "jaxtyping", *TORCH, *PYDANTIC}

ABSENT = ["ray", "mlflow", "optuna", "pyarrow", "pandas", "pooch", "platformdirs", "safetensors", "sklearn", "scipy"]
ABSENT += ["matplotlib", "PIL", "rich", "typer", "yaml", "fsspec"]


def runs(allowed, program, *arguments):
    """The lines that a program prints, which must end well."""
    done = run_with(allowed, program, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


WRITE_AND_READ = """
import numpy as np
from study.record import Home, artifact_path, commit, read, read_artifacts, write_artifacts

home, name = Home(sys.argv[1]), "a-commit"
write_artifacts(home, name, {"one/weights/w": np.ones(3)})
rows = [{"trial_id": "one", "commit_id": name, "status": "finished", "attempt": 1, "artifacts": artifact_path(name)}]
print(commit(home, name, {"trials": rows}))
print(read(home, "trials").to_pylist()[0]["status"], read_artifacts(home, artifact_path(name), "one", "weights"))
"""


def test_records_are_written_and_read_with_pyarrow_alone(tmp_path):
    assert runs(RECORDS, WRITE_AND_READ, tmp_path) == ["['one']", "finished {'w': array([1., 1., 1.])}"]


def test_records_are_cleaned_without_declarations(tmp_path):
    gamma_grid(Home(tmp_path), PLANTED, needed=3)
    program = "import runpy; runpy.run_module('study.clean', run_name='__main__', alter_sys=True)"
    lines = runs(RECORDS | RICH | TYPER, program, "--home", tmp_path)
    assert any(line.startswith("to remove: 0 bytes; stays: 18 trials") for line in lines)


REPORT = """
from rich.console import Console
from analysis import write_report
from analysis.report.terminal import print_report

print_report(Console(), write_report("grid_gamma", sys.argv[1]))
"""


WRITES_REPORTS = RECORDS | TABLES | FIGURES | ALTAIR | PAGES | RICH


@pytest.mark.parametrize("declarations", [set(), {"models", *PYDANTIC}], ids=["no declarations", "declarations"])
def test_a_report_is_written_without_torch_ray_and_mlflow(tmp_path, declarations):
    """Claims of the catalog need its tables, and these need pydantic: without it the report says so."""
    gamma_grid(Home(tmp_path), PLANTED, needed=3)
    lines = runs(WRITES_REPORTS | declarations, REPORT, tmp_path)
    assert any("3 balanced" in line for line in lines)
    assert any("γ keeps exactly the 3 planted latents" in line for line in lines) is bool(declarations)
    assert any("the claims of grid_gamma are left out" in line for line in lines) is not bool(declarations)
    assert "<svg" in (tmp_path / "studies/grid_gamma/report/explorer.svg").read_text()


TRAIN = """
import importlib, math, pkgutil
import torch
import study.train.stack, study.train.step
from models.data.load import load
from models.specs import VAE, Annealed, Fixed, Learned, Objective, Optimal, PerImage, PerPixel, PlantedManifold
from models.specs import Training as Settings
from study.declare.trial import Trial
from study.train.stack.build import build_stack
from study.train.step.loop import Training

torch.set_num_threads(1)
data, model = PlantedManifold(n=200, n_test=50), VAE(kappa=4, encoder=(16,), decoder=(16,))
for gammas in ([Fixed(0.1), Learned(), Optimal(), Annealed(1.0, 0.1)], [PerPixel()], [PerImage()]):
    settings = {"data": data, "model": model, "training": Settings(steps=20, batch=50), "seed": 0}
    trials = [Trial(**settings, objective=Objective(gamma=gamma)) for gamma in gammas]
    stack, inputs = build_stack(trials, load(data), torch.device("cpu"))
    training = Training(stack, trials, inputs)
    while not training.done:
        training.advance(60)
    values = training.curves.points[-1][1]["objective"].tolist()
    assert training.step == 20 and len(values) == len(gammas) and all(map(math.isfinite, values)), values
    print(*(gamma.kind for gamma in gammas))
for package in (study.train.stack, study.train.step):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    print(name, "is there")
"""
"""Prints which modes were trained, and which of the packages that are named can be imported; imports all of the core."""


def test_stacks_train_with_torch_and_pydantic_alone():
    assert runs(CORE, TRAIN, *ABSENT) == ["Fixed Learned Optimal Annealed", "PerPixel", "PerImage"]


def test_the_core_benchmark_needs_no_more():
    """As on a GPU machine without Ray, MLflow, pyarrow and pooch."""
    program = "import runpy; runpy.run_module('benchmarks.core', run_name='__main__', alter_sys=True)"
    done = run_with(
        {*CORE, "benchmarks"}, program, "--device", "cpu", "--only", "5-8-5", "--sizes", "1", "--span", "0.01"
    )
    assert done.stderr == ""
    assert "packs, learned" in done.stdout
    assert "JAX are missing" in done.stdout
    assert "left out" not in done.stdout


def test_the_script_for_a_gpu_needs_no_more(tmp_path):
    """All of it at next to no size, on data of its own where there are none."""
    program = "import runpy; runpy.run_module('benchmarks.gpu', run_name='__main__', alter_sys=True)"
    done = run_with({*CORE, "benchmarks"}, program, "--device", "cpu", "--quick", "--out", tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "÷ one at a time, packs of" in done.stdout
    found = json.loads((tmp_path / "gpu-cpu.json").read_text())
    assert found["complete"]
    statuses = {line["check"]: line["status"] for line in found["correctness"]}
    assert any("digits" in check for check in statuses)
    apart = {"memory runs out": "left out", "graph against eager": "not built", "compiled against eager": "not built"}
    assert statuses == dict.fromkeys(statuses, "passed") | apart
    assert [each["what"] for each in found["left_out"]] == ["memory runs out"]
    assert {(line["network"], line["way"]) for line in found["pack_auto"]} == {
        ("5-8-5", "eager"),
        *(("8-small", way) for way in ("eager", "together", "vmap")),
    }
    assert all(line["step_ms"] > 0 < line["of_limit"] for line in found["speed"])
    assert found["networks"]["digits"]["data"].startswith(
        "1,498 seeded random rows of 64 numbers in place of Digits: No module"
    )
