"""Every field says what it is: to `help`, to notebooks, and wherever its source can be read."""

import inspect
import os
import pydoc
import re
import subprocess
import sys
from typing import Any

import pytest

import study
from models.specs import fields
from models.specs.probes import Probing
from models.specs.spec import Spec
from models.specs.vocabulary import members
from study.declare.search_space import Settings

EXPORTED = [each for name in study.__all__ if isinstance(each := getattr(study, name), type) and issubclass(each, Spec)]
KINDS = sorted({*EXPORTED, *members(Probing), Settings}, key=lambda kind: kind.__name__)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def helped(thing: Any) -> str:
    """What `help(thing)` prints, without its margin."""
    return re.sub(r"^ \|  ?", "", pydoc.plain(pydoc.render_doc(thing)), flags=re.MULTILINE)


@each_kind
def test_every_field_has_a_description_of_its_own(kind: type[Spec]) -> None:
    described = fields.descriptions(kind)
    for name in fields.public(kind):
        text = described.get(name, "")
        assert text.endswith("."), f"{kind.__name__}.{name}: say below it what it is, in a sentence"
        of_its_own = {*re.findall(r"\w+", text.lower())} - {name, kind.__name__.lower(), "the", "a", "of"}
        assert len(of_its_own) > 1, f"{kind.__name__}.{name} is no more than repeated: {text}"


@each_kind
def test_help_shows_what_to_write_and_nothing_of_how_it_is_checked(kind: type[Spec]) -> None:
    page = helped(kind)
    assert len(page.splitlines()) <= 100
    assert not re.search("Validator|FieldInfo|function at 0x|Annotated|model_dump", page)
    words = " ".join(page.split())
    assert all(f" {name}: " in words and text in words for name, text in fields.descriptions(kind).items())


def test_help_says_type_default_and_description_of_a_field() -> None:
    lines = [line.strip() for line in helped(study.VAE).splitlines()]
    at = lines.index('activation: "tanh", "relu", "gelu" or "identity"; default "tanh"')
    assert lines[at + 1] == "The function after every hidden layer."
    assert {"kappa: whole number ≥ 1; required", "log_var_range: (number, number) or None; default None"} <= {*lines}
    assert "encoder: tuple of whole numbers ≥ 1; default (64, 64)" in lines
    assert "beta1: number ≥ 0 and < 1; default 0.9" in helped(study.Adam)
    assert "options: dict of texts to any values; default {}" in helped(study.Own)
    assert "model: VAE, ImageVAE or Own; required" in helped(study.Trial)
    assert (
        "gamma: Fixed, Learned, Optimal, Annealed, Refit, PerPixel, PerImage, DecodedPerPixel, LearnedByBeta or Absent; "
        "default Absent()" in " ".join(helped(study.Objective).replace("|", " ").split())
    )


def test_signatures_are_as_a_person_writes_them() -> None:
    assert str(inspect.signature(study.Fixed)) == "(value: float)"
    assert str(inspect.signature(study.Between)) == "(low: float, high: float, *, log: bool = True)"
    assert "encoder: tuple[int, ...] = (64, 64)" in str(inspect.signature(study.VAE))
    assert "likelihood=Normal()" in str(inspect.signature(study.Objective))
    assert repr(study.Fixed(0.5)) == "Fixed(value=0.5)"


def test_help_of_a_search_names_all_its_settings() -> None:
    said, taken = inspect.getdoc(study.search) or "", inspect.signature(study.search).parameters
    assert all(f"{name}: " in said for name in taken)
    required = inspect.Parameter.empty
    defaults = {
        name: required if each.is_required() else each.default for name, each in fields.public(Settings).items()
    }
    assert {name: each.default for name, each in taken.items()} == defaults | {"shape": None, "free": None}


def test_help_of_a_launch_names_all_its_options() -> None:
    page = helped(study.launch)
    assert all(re.search(rf"\b{name}[:,]", page) for name in inspect.signature(study.launch).parameters)


def test_fields_are_listed_without_descriptions_where_no_source_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_: object) -> str:
        raise OSError("could not get source code")

    fields._in_module.cache_clear()
    monkeypatch.setattr(fields.inspect, "getsource", unreadable)
    page = helped(study.VAE)
    fields._in_module.cache_clear()
    assert "kappa: whole number ≥ 1; required" in page
    assert "latent dimensions κ" not in page


def test_descriptions_are_there_where_python_drops_docstrings() -> None:
    done = subprocess.run(
        [sys.executable, "-OO", "-c", "import models.specs; print(models.specs.VAE.__doc__)"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert "How many latent dimensions κ the code z has." in done.stdout
