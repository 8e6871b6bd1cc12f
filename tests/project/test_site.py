"""The site builds strictly, shows all that the code declares, and asks the network for nothing."""

import inspect
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer
from chromium import BROWSER, running_browser
from documents import ROOT

import analysis
import study
from analysis import fit, theory
from models.specs.fields import described
from models.specs.probes import Probing
from models.specs.spec import Spec
from models.specs.vocabulary import members
from study.command import COMMANDS, _app


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, where it builds without a warning."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def said(html: str) -> str:
    """What a page or a part of it says, without its markup."""
    return unescape(re.sub(r"<[^>]+>", "", html))


class Fetched(HTMLParser):
    """The addresses that a browser fetches when it opens a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep scripts, styles, pictures and frames; links are for people to follow."""
        given = dict(attrs)
        address = given.get("href") if tag == "link" and given.get("rel") != "canonical" else given.get("src")
        self.found += [address] if address else []


def test_every_page_stands_in_the_site_and_fetches_nothing(site: Path):
    pages = {path.with_suffix(".html").name for path in (ROOT / "docs").glob("*.md")}
    assert pages | {"contributing.html", "tutorial.html"} <= {path.name for path in site.glob("*.html")}
    for page in site.glob("*.html"):
        browser = Fetched()
        browser.feed(page.read_text(encoding="utf-8"))
        assert browser.found
        assert [address for address in browser.found if re.match(r"(https?:)?//", address)] == [], page.name


@pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome on the PATH")
def test_the_site_is_searched_where_it_is_opened_as_a_file(site: Path):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    with running_browser() as browser:
        page, sent = browser.new_page(viewport={"width": 1400, "height": 900}), []
        page.on("request", lambda request: sent.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.get_by_role("textbox", name="Search").press_sequentially("scale_residual")
        found = page.locator(".md-search-result__link").filter(has_text="Regimes").first
        playwright.expect(found).to_be_visible(timeout=30_000)
        found.click()
        page.wait_for_url("**/reading_a_report.html*")
        assert {url.partition(":")[0] for url in sent} <= {"file", "data", "blob", "about"}


def test_the_reference_of_commands_has_every_option(site: Path):
    shown = said((site / "commands.html").read_text(encoding="utf-8"))
    for name, command in COMMANDS.items():
        assert f"collapsar {name}" in shown
        for option in typer.main.get_command(_app(command)).params:
            assert all(word in shown for word in option.opts if word.startswith("--") and word != "--version"), option


def test_the_reference_of_declarations_has_every_field(site: Path):
    page = (site / "declarations.html").read_text(encoding="utf-8")
    kinds = [kind for name in dir(study) if isinstance(kind := getattr(study, name), type) and issubclass(kind, Spec)]
    assert len(kinds) > 40
    for kind in (*kinds, *members(Probing)):
        anchor = f'id="{kind.__module__}.{kind.__qualname__}"'
        assert anchor in page, kind
        section = page[page.index(anchor) :].partition("<h3 id=")[0]
        for field in described(kind):
            assert f"<code>{field.name}</code>" in section, (kind, field)
            assert re.sub(r"[`*]", "", field.description) in said(section), (kind, field)


def test_the_reference_of_the_analysis_has_every_name_and_every_closed_form(site: Path):
    page = (site / "analysis.html").read_text(encoding="utf-8")
    modules = [module for module in vars(theory).values() if inspect.ismodule(module)]
    assert len(modules) > 10
    for place in (analysis, fit, *modules):
        for name in getattr(place, "__all__", dir(place)):
            thing = getattr(place, name)
            is_here = hasattr(place, "__all__") or getattr(thing, "__module__", "") == place.__name__
            if (inspect.isfunction(thing) or inspect.isclass(thing)) and is_here and not name.startswith("_"):
                assert f'id="{thing.__module__}.{thing.__qualname__}"' in page, name
