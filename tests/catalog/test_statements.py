"""Which studies test which statements, as the registry says it and as their claims do."""

import ast
import re
from pathlib import Path

import pytest

from analysis.claims.statements import STATEMENTS
from analysis.claims.statements.studies import STUDIES
from study.launch.find import catalog_names

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"(D|D1-|S|W|B)\d+")


def numbers_of(study: str) -> set[str]:
    """The numbers of statements that a study's modules say."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "study/catalog" / study).glob("*.py")]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {text for text in texts if isinstance(text, str) and NUMBER.fullmatch(text)}


@pytest.mark.parametrize("study", catalog_names())
def test_a_study_tests_the_statements_that_name_it_and_no_others(study: str):
    assert set(STUDIES[study]) <= STATEMENTS.keys()
    assert set(STUDIES[study]) == numbers_of(study)


def test_the_registry_names_no_other_study():
    assert STUDIES.keys() == set(catalog_names())
