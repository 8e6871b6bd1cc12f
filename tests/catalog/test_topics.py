"""Every claim that a study of the catalog can make stands under a topic that names the study."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.claims import topics
from study.launch.find import catalog_names

ROOT = Path(__file__).parents[2]
CONSTANTS = {name: value for name, value in vars(topics).items() if isinstance(value, topics.Topic)}
BEFORE_TOPIC = 8
"""Arguments of `Claim` that come before its topic."""


def calls(folder: Path) -> Iterator[ast.Call]:
    """Where a claim is made, by the modules of a folder."""
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Claim":
                yield node


def topics_of(study: str) -> set[str]:
    """The names of the constants that a study's modules say."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "study/catalog" / study).glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "topics"}


@pytest.mark.parametrize("folder", [*(f"study/catalog/{name}" for name in catalog_names()), "analysis/claims"])
def test_no_claim_is_made_without_its_topic(folder: str):
    for call in calls(ROOT / folder):
        named = [keyword.arg for keyword in call.keywords]
        assert "topic" in named or len(call.args) > BEFORE_TOPIC, f"{folder}, line {call.lineno}"


@pytest.mark.parametrize("study", catalog_names())
def test_a_study_says_the_topics_that_name_it_and_no_others(study: str):
    named = {name for name, topic in CONSTANTS.items() if study in topic.studies}
    assert named
    assert topics_of(study) == named


def test_topics_name_studies_of_the_catalog_and_all_stand_in_order():
    assert {study for topic in topics.TOPICS for study in topic.studies} == set(catalog_names())
    assert set(topics.TOPICS) == {*CONSTANTS.values()} - {topics.OTHER}
    assert len(set(topics.TOPICS)) == len(topics.TOPICS)
