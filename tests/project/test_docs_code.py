"""Every code block of the documents runs: a page's Python in order, its commands as one types them, with what they print.

A page trains as it stands there, or with fewer steps (`QUICKER`). Launches train in this process, without MLflow. Charts are
drawn on the first pages alone, since that takes longer than the training.
What cannot run here is named with its reason (`ELSEWHERE`), and studies of the catalog are only looked up: they take minutes.
"""

import contextlib
import importlib
import io
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from documented_commands import OF_OTHERS, check, commands_in
from documents import PAGES, Block, blocks_of, text_of
from many_commands import answer
from undrawn_charts import undrawn

from analysis import results
from analysis.figures.chart import Charts
from study import load
from study.launch.call import launch

START = ["docs/first_study.md", "README.md", "docs/index.md", "docs/reading_a_report.md"]
"""Pages that speak of one study, in the order in which they are followed: each finds the home that the first one made."""

WALKS = {"start": START, **{page: [page] for page in PAGES if page not in START}}

QUICKER = {
    "docs/training.md": [("epochs=40", "epochs=4"), ("every=40", "every=5")],
    "docs/your_own_claims.md": [("steps=300", "steps=20")],
    "docs/your_own_data.md": [("steps=500", "steps=20")],
    "docs/your_own_loss.md": [("steps=1000", "steps=20")],
    "docs/your_own_search.md": [("steps=500", "steps=20"), ("trials=16, batch=8", "trials=2, batch=2")],
    "docs/stages_and_probes.md": [("steps=1000", "steps=20"), ("samples=500", "samples=50")],
}

ELSEWHERE = {
    "of_pythae.py": "pythae is not installed for every test: tests/train/test_pythae.py runs it",
}
"""Files of the pages that do not run here, and why."""

VARIES = re.compile(r"estimated|training alone|\d+ packs|report:|\d+\.\d+ ")
"""Beginnings of lines of which the rest depends on the machine."""


class Walk:
    """Someone who follows pages in a folder of their own, block after block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {}
        self.files: list[str] = []
        self.printed = ""
        self.done: dict[tuple[str, ...], str] = {}

    def follow(self, page: str) -> None:
        """Do what a page says."""
        self.names = {}
        for block in blocks_of(page):
            match block.language:
                case "python" if block.file:
                    self.write(block, page)
                case "python":
                    with contextlib.redirect_stdout(io.StringIO()) as out:
                        exec(block.text, self.names)
                    self.printed = out.getvalue()
                case "diff":
                    self.edit(block.text)
                case "sh":
                    for words in commands_in(block.text):
                        self.run(words)
                case "text":
                    self.compare(block.text, page)
                case "json":
                    json.loads(re.sub(r"^(?!\{\"Version\")(.*)$", r"[\1]", block.text, flags=re.S))
                case language:
                    pytest.fail(f"{page} has a block of {language or 'no language'}: nothing here runs it")
        for file in self.files:
            importlib.import_module(file.removesuffix(".py"))

    def write(self, block: Block, page: str) -> None:
        """Write a file, or go on with it."""
        assert block.file
        if block.file in ELSEWHERE:
            return
        path = self.folder / block.file
        before = path.read_text(encoding="utf-8") + "\n\n" if block.continues else ""
        path.write_text(before + quicker(block.text, page), encoding="utf-8")
        self.files = list(dict.fromkeys([*self.files, block.file]))

    def edit(self, text: str) -> None:
        """Replace the lines that begin with a minus by those that begin with a plus, in the last file."""
        path = self.folder / self.files[-1]
        away, there = ("\n".join(re.findall(rf"^\{sign}(.*)$", text, re.M)) for sign in "-+")
        before = path.read_text(encoding="utf-8")
        assert away in before
        path.write_text(before.replace(away, there), encoding="utf-8")

    def run(self, words: list[str]) -> None:
        """Run one of our commands where its study stands on the page, once for the same files; check what else is there."""
        check(words)
        if words[0] != "collapsar" or not self.is_here(words[2:]):
            return
        state = (*words, *((self.folder / file).read_text(encoding="utf-8") for file in self.files))
        if state not in self.done:
            here = ["--in-process", "--no-mirror"] if words[1] == "launch" else []
            status, out, err = answer([*words[1:], *here], {"COLUMNS": "100"}, module="collapsar")
            assert status == 0, f"{shlex.join(words)}\n{out}{err}"
            self.done[state] = out
        self.printed = self.done[state]

    def is_here(self, words: list[str]) -> bool:
        """Whether a command speaks of the page's own study, or of the home that it was launched into."""
        named = [word for word in words if not word.startswith("-")][:1]
        if named and ".py:" in named[0]:
            assert (self.folder / named[0].partition(":")[0]).exists(), f"no page wrote {named[0]}"
            return True
        return (self.folder / "runs/studies" / (named[0] if named else "")).is_dir()

    def compare(self, shown: str, page: str) -> None:
        """Refuse output that a page shows and that the last command did not print."""
        lines = [plain(line) for line in self.printed.splitlines()]
        missing = [line for line in map(plain, shown.splitlines()) if line not in (*lines, "…")]
        assert not missing, f"{page} shows {missing}; printed was:\n{self.printed}"


def plain(line: str) -> str:
    """A line of output without what differs from machine to machine."""
    line = " ".join(line.split())
    found = VARIES.match(line)
    return re.sub(r"\d+", "", found[0]) if found else line


def quicker(text: str, page: str) -> str:
    """A page's code with fewer steps."""
    for slow, quick in QUICKER.get(page, []):
        text = text.replace(slow, quick)
    return text


@pytest.fixture(scope="module")
def walked() -> dict[str, Path]:
    """The folders of walks that were taken."""
    return {}


@pytest.fixture
def walk(walked: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Takes a walk, if nobody has yet, and gives its folder."""

    def take(name: str) -> Path:
        if name not in walked:
            folder = tmp_path_factory.mktemp("walk")
            known = set(sys.modules)
            with (
                contextlib.chdir(folder),
                mock.patch.object(sys, "path", [str(folder), *sys.path]),
                mock.patch.dict(launch.__kwdefaults__, mirror=False),
                contextlib.nullcontext() if name == "start" else mock.patch.object(Charts, "drawing", undrawn),
            ):
                someone = Walk(folder)
                for page in WALKS[name]:
                    someone.follow(page)
            for module in {file.removesuffix(".py") for file in someone.files} & (set(sys.modules) - known):
                del sys.modules[module]
            walked[name] = folder
        return walked[name]

    return take


@pytest.mark.parametrize("name", [name for name, pages in WALKS.items() if any(map(blocks_of, pages))])
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(name, walk):
    walk(name)


def test_what_is_quicker_or_elsewhere_stands_on_a_page():
    for page, pairs in QUICKER.items():
        assert all(slow in text_of(page) for slow, _ in pairs), page
    everything = "\n".join(block.text for page in PAGES for block in blocks_of(page))
    assert all(re.search(rf"^(# )?{re.escape(name)}\b", everything, re.M) for name in (*ELSEWHERE, *OF_OTHERS))


def test_the_first_study_is_ten_lines_and_finds_what_the_pages_say(walk):
    study = next(block.text for block in blocks_of("README.md") if block.file == "my_studies.py")
    assert len(study.strip().splitlines()) <= 10
    assert study == next(block.text for block in blocks_of("docs/first_study.md") if block.file == "my_studies.py")
    frame = results("my_grid", walk("start") / "runs")
    assert len(frame) == 30
    assert set(frame.loc[frame["gamma"].eq("fixed 1") & frame["kappa"].gt(2), "regime"]) == {"unfit"}
    assert set(frame.loc[frame["gamma"].eq("learned") & frame["kappa"].gt(2), "regime"]) == {"balanced"}


def test_a_network_of_ones_own_comes_back_from_the_records(walk):
    home = walk("docs/your_own_network.md") / "runs"
    network: Any = load(results("widths", home)["trial_id"][0], home)
    x = torch.zeros(3, 8)
    with torch.no_grad():
        mu, _ = network.encode(x)
    assert torch.equal(mu[0], mu[1])  # no dropout, no statistics of a batch
    assert network.decode(mu).shape == (3, 8)
    assert type(network.network).__name__ == "Mine"


def test_terms_and_metrics_of_ones_own_are_in_the_report(walk):
    report = (walk("docs/your_own_loss.md") / "runs/studies/moments/report/index.html").read_text(encoding="utf-8")
    assert "largest |correlation| of two latents" in report
    assert "fourth moment test" in report


def test_numbers_of_a_training_share_packs(walk):
    frame = results("my_training", walk("docs/training.md") / "runs")
    assert frame["status"].eq("finished").all()
    assert len(frame) == 12
