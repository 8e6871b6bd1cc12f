"""What the documents name exists: every path, every module, every function of the way of a trial, every link."""

import ast
import re
from importlib import import_module
from importlib.util import find_spec

import pytest
from documents import PAGES, ROOT, text_of

from models.networks.own_outputs import DECODED, LOG_VARIANCES, MEANS
from models.specs import Absent, Data, Gamma, Likelihood, Model, Normal, Optimiser, Schedule
from models.specs.vocabulary import members
from study.launch.find import catalog_names

FOLDERS = "models|study|analysis|benchmarks|tests|docs"
VOCABULARIES = {
    "docs/your_own_data.md": Data,
    "docs/your_own_loss.md": (Gamma, Likelihood),
    "docs/your_own_network.md": Model,
}
"""Where people look for what they may declare."""


def definitions(file):
    """The names that a Python file defines: `name`, and `Class.name` of methods."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def is_module(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def has_attribute(module, name):
    return is_module(module) and hasattr(import_module(module), name)


@pytest.mark.parametrize("document", PAGES)
def test_every_path_that_a_document_names_exists(document):
    for name in re.findall(rf"`((?:{FOLDERS})/[\w./*]*)`", text_of(document)):
        assert list(ROOT.glob(name.rstrip("/"))), f"{document} names {name}"


@pytest.mark.parametrize("document", PAGES)
def test_every_module_that_a_document_names_exists(document):
    text = text_of(document)
    for name in re.findall(r"python -m ((?:study|analysis|benchmarks)[\w.]*)", text):
        assert find_spec(name), f"{document} names {name}"
    for name in re.findall(r"`((?:models|study|analysis|benchmarks)(?:\.(?!py\b)[a-z]\w*)+)[`(]", text):
        assert is_module(name) or has_attribute(*name.rpartition(".")[::2]), f"{document} names {name}"


@pytest.mark.parametrize("document", PAGES)
def test_every_name_that_a_document_gives_of_a_file_is_defined_there(document):
    """Written as `path/of/file.py`: `name`, `Class.method`."""
    for path, listed in re.findall(r"`([\w/]+\.py)`:\s+((?:`[\w.]+`(?:,\s+)?)+)", text_of(document)):
        for name in re.findall(r"`([\w.]+)`", listed):
            assert name in definitions(ROOT / path), f"{document} names {name} of {path}"


@pytest.mark.parametrize("document", PAGES)
def test_every_link_of_a_document_leads_to_a_file(document):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(document)):
        assert ((ROOT / document).parent / target).exists(), f"{document} links to {target}"


def test_the_map_is_one_page():
    assert len(text_of("docs/architecture.md").splitlines()) <= 120


def test_the_map_shows_every_room():
    page, drawing = text_of("docs/architecture.md"), text_of("docs/architecture.svg")
    for folder in (ROOT / "study").iterdir():
        if (folder / "__init__.py").exists():
            assert f"`study/{folder.name}`" in page
            assert f">{folder.name}<" in drawing
    for package in ("models", "analysis"):
        for folder in (ROOT / package).iterdir():
            if (folder / "__init__.py").exists():
                assert f">{folder.name}<" in drawing


def test_the_readme_is_short_begins_with_what_newcomers_type_and_shows_a_figure():
    readme = text_of("README.md")
    assert len(readme.splitlines()) <= 120
    top = readme.splitlines()[:12]
    assert any(line.strip().startswith("make study") for line in top)
    assert any(line.strip().startswith("make test") for line in top)
    assert re.search(r"^!\[.+\]\(docs/images/\w+\.(png|svg)\)", readme, re.M)


def test_the_catalog_lists_every_study():
    listed = re.findall(r"^\| `(\w+)` \|", text_of("docs/catalog.md"), re.M)
    assert sorted(listed) == catalog_names()


@pytest.mark.parametrize("page", VOCABULARIES)
def test_a_page_names_every_member_of_its_vocabulary(page):
    """But for what no person declares: that there is no γ, and that the likelihood is the one that is meant by itself."""
    listed = VOCABULARIES[page]
    for kind in [kind for each in (listed if isinstance(listed, tuple) else (listed,)) for kind in members(each)]:
        assert kind in (Absent, Normal) or re.search(rf"`{kind.__name__}\b|\b{kind.__name__}[.(]", text_of(page)), kind


def test_every_optimiser_and_schedule_has_a_row():
    for kind in (*members(Optimiser), *members(Schedule)):
        assert re.search(rf"^\| `{kind.__name__}\(", text_of("docs/training.md"), re.M), kind


def test_every_name_that_a_network_s_result_may_have_is_on_its_page():
    for name in (*MEANS[:5], *LOG_VARIANCES[:5], *DECODED[:7]):
        assert f"`{name}`" in text_of("docs/your_own_network.md"), name
