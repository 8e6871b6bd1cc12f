"""What a notebook shows of studies, trials and launches."""

from html.parser import HTMLParser

import pytest
from brittle_study import write_brittle

import study
from study.launch.find import find


class Text(HTMLParser):
    """The texts of a page, in their order, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert "http" not in str(attrs)
        self.tags.add(tag)


def shown(thing: object) -> Text:
    """What a notebook shows of it."""
    text = Text(thing._repr_html_())  # pyright: ignore[reportAttributeAccessIssue]
    assert text.tags <= {"table", "thead", "tbody", "tr", "th", "td", "p"}
    return text


def test_a_study_shows_its_axes_at_each_scale():
    texts = shown(find("grid_gamma")).texts
    assert texts[0] == "grid_gamma: Which decoder variances keep exactly the needed latent dimensions active?"
    assert "at most 1,728 trials at laptop scale" in texts
    assert texts[texts.index("kappa") + 1] == "2, 4, 8, 16"
    assert "at most 9,600 trials at paper scale" in texts


def test_a_search_shows_its_space():
    texts = shown(find("balance_search")).texts
    assert texts[texts.index("beta") + 1] == "0.001 to 1000"


def test_of_a_long_axis_the_first_values_and_the_last_are_shown():
    @study.study(seed=range(500))
    def long(seed):
        """How <long>?"""

    texts = shown(long).texts
    assert texts[0] == "long: How <long>?"
    assert texts[-1] == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …, 499"


@pytest.mark.parametrize("name", ["grid_gamma", "affine_minima"])
def test_a_trial_shows_what_differs_from_the_defaults(name):
    trial = find(name).table("laptop").rows()[0].trial
    texts = shown(trial).texts
    assert texts[-1] == trial.trial_id
    if name == "grid_gamma":
        assert texts[texts.index("objective") + 1] == "Objective(gamma=Fixed(value=4))"


def test_a_launch_shows_its_counts_and_why_trials_failed(tmp_path):
    done = study.launch(f"{write_brittle(tmp_path)}:brittle", home=tmp_path / "home", quiet=True, mirror=False)
    texts = shown(done).texts
    assert texts[0] == f"home: {tmp_path}/home"
    counts = dict(zip(texts[1:10], texts[10:19], strict=True))
    assert counts == {
        "name": "brittle",
        "declared": "6",
        "selected": "6",
        "already there": "0",
        "finished": "2",
        "diverged": "2",
        "failed": "2",
        "not trained": "0",
        "report": f"{tmp_path}/home/studies/brittle/report/index.html",
    }
    assert texts[-1] == "RuntimeError: this network cannot be trained"
