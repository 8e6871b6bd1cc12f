"""The tutorial, as a kernel runs it; and what a later kernel and the command line make of a study without a file."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from launches import ROOT
from notebooks import run_cells, run_notebook, said

from analysis import results, write_report
from study.errors import OptionError
from study.launch.find import find

NOTEBOOK = ROOT / "docs/tutorial.ipynb"

PLAN = """
plan = launch(tutorial, home=folder / "runs", plan=True, quiet=True)
print([(one.already_there, one.not_trained) for one in plan.studies])
"""

EDITED = """
class Net(Net):
    def decode(self, z):
        return super().decode(z) * 1.0
"""


UNDRAWN = f"""
import sys
sys.path.append({str(ROOT / "tests")!r})
from analysis.figures.chart import Charts
from undrawn_charts import undrawn
Charts.drawing = undrawn
"""
"""A cell before the tutorial's own, as for all tests that do not look at charts."""


def code() -> list[str]:
    """The cells of the tutorial, but for text."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the tutorial has run, with what it said in `said.json`."""
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(UNDRAWN))
    heard = run_notebook(notebook, folder)
    (folder / "said.json").write_text(json.dumps([said(cell) for cell in heard.cells if cell.cell_type == "code"][1:]))
    return folder


def test_the_tutorial_goes_from_a_file_to_a_report(folder):
    heard = json.loads((folder / "said.json").read_text())
    assert heard[-1].splitlines()[1:] == ["without the penalty both needed latents stay active: holds"]
    assert "12" in heard
    frame = results("tutorial", folder / "tutorial/runs")
    assert frame["status"].eq("finished").all()
    assert frame["correlation"].between(0, 1).all()
    kept = frame.groupby("weight")["n_active"].mean()
    assert kept[1.0] < kept[0.0]


def test_the_notebook_shows_what_its_cells_say(folder):
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    heard = json.loads((folder / "said.json").read_text().replace(str(folder), "…"))
    assert [without_numbers(said(cell)) for cell in cells] == [without_numbers(text) for text in heard]
    assert any("text/html" in output.get("data", {}) for cell in cells for output in cell.outputs)
    assert not any(cell.execution_count for cell in cells)


def without_numbers(text: str) -> list[str]:
    """The words of a text, a sign in place of each number: numbers differ from machine to machine."""
    return re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "#", text).split()


def test_another_kernel_finds_every_result_and_an_edited_network_has_none(folder):
    launches = ("launch(", "done", "again", "frame", "network", "report")
    defining = [cell for cell in code() if not cell.startswith(launches)]
    declaring = next(cell for cell in defining if cell.startswith("@study("))
    heard = run_cells([*defining, PLAN, *defining[1:], PLAN, EDITED, declaring, PLAN], folder)
    assert [text for text in heard if text.startswith("[(")] == ["[(12, 0)]", "[(12, 0)]", "[(0, 12)]"], heard


def test_a_report_from_elsewhere_says_that_the_claims_are_the_notebooks(folder):
    report = write_report("tutorial", folder / "tutorial/runs")
    assert report.claims == []
    (fault,) = report.faults
    assert fault.startswith(
        "the claims of tutorial are left out, which only its notebook knows (a notebook or console in"
    )
    assert fault.endswith("write_report('tutorial', home, tutorial) there adds them")


@pytest.mark.parametrize("name", ["docs/tutorial.ipynb", "docs/tutorial.ipynb:tutorial"])
def test_the_command_line_cannot_launch_a_notebook_and_says_what_can(name):
    with pytest.raises(OptionError, match=r"is a notebook: launch its studies there, study\.launch\(\.\.\.\), or save"):
        find(name)
