"""A setting, or code of the user's, that was given in the wrong place: the sentence says the right one."""

import pytest
from pydantic import ValidationError

from study import Learned, Objective, OwnTerm, Training
from study.errors import explain


def term(mu):
    return mu.sum(-1)


@pytest.mark.parametrize(
    ("declare", "remedy"),
    [
        (lambda: Training(steps=1, weight_decay=0.1), "is unknown: write optimiser=AdamW(weight_decay=...)"),
        (lambda: Training(steps=1, after=0.5), "is unknown: write schedule=Linear(after=...)"),
        (lambda: Objective(terms=(term,)), "is code itself: write OwnTerm.of(term)"),
        (lambda: Objective(terms=(lambda mu: mu,)), "is code itself: write OwnTerm.of(my_function)"),
    ],
)
def test_a_setting_or_code_in_the_wrong_place_is_told_the_right_one(declare, remedy):
    with pytest.raises(ValidationError) as fault:
        declare()
    assert explain(fault.value).endswith(remedy)


def test_one_term_needs_no_tuple():
    one, several = OwnTerm.of(term), (OwnTerm.of(term),)
    assert Objective(gamma=Learned(), terms=one) == Objective(gamma=Learned(), terms=several)  # pyright: ignore[reportArgumentType]
