"""The one rule for verdicts: intervals against targets, and how many seeds would decide."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from analysis.claims.claim import Claim, tally
from analysis.claims.comparison import (
    Comparison,
    above,
    at_least,
    at_most,
    below,
    between,
    most,
    near,
    together,
    within,
)
from analysis.claims.estimate import Estimate, computed, mean_count_of, mean_of, share_of, worst_of
from analysis.claims.statements import SOURCES, STATEMENTS
from analysis.claims.stored import as_row, claim_of


def interval(low: float, high: float, systematic: float = 0.0) -> Estimate:
    return Estimate((low + high) / 2, low, high, 5, systematic=systematic)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.98, 1.02, "holds"),
        (0.97, 1.03, "holds"),
        (0.96, 1.0, "insufficient"),
        (1.0, 1.1, "insufficient"),
        (0.8, 1.2, "insufficient"),
        (1.04, 1.2, "fails"),
        (0.5, 0.9, "fails"),
        (math.nan, math.nan, "insufficient"),
    ],
)
def test_a_tolerance_is_met_by_the_whole_interval_or_by_none_of_it(low, high, outcome):
    assert within(0.03, 1.0).judge(interval(low, high)) == outcome
    assert near(1.0, 0.03).judge(interval(low, high)) == outcome
    assert between(0.97, 1.03).judge(interval(low, high)) == outcome


def test_the_systematic_part_widens_the_interval_on_both_sides():
    assert at_most(1.0).judge(interval(0.8, 0.95)) == "holds"
    assert at_most(1.0).judge(interval(0.8, 0.95, 0.1)) == "insufficient"
    assert at_most(1.0).judge(interval(1.05, 1.1)) == "fails"
    assert at_most(1.0).judge(interval(1.05, 1.1, 0.1)) == "insufficient"


@pytest.mark.parametrize(("target", "sign"), [(above(0.0), 1), (below(0.0), -1)])
def test_what_cannot_be_told_from_the_end_is_not_ordered(target, sign):
    ends = sorted((sign * 0.1, sign * 0.3))
    assert target.judge(interval(*ends)) == "holds"
    assert target.judge(interval(-ends[1], -ends[0])) == "fails"
    assert target.judge(interval(-0.1, 0.1)) == target.judge(computed(0.0)) == "insufficient"
    assert at_least(0.0).judge(computed(0.0)) == at_most(0.0).judge(computed(0.0)) == "holds"


def test_estimates_have_the_textbook_intervals():
    values = [1.0, 2.0, 4.0, math.nan]
    low, high = stats.t.interval(0.95, 2, np.mean(values[:3]), stats.sem(values[:3]))
    found = mean_of(values)
    assert (found.low, found.high, found.n) == (pytest.approx(low), pytest.approx(high), 3)
    for agreeing, n in [(0, 4), (3, 7), (9, 9)]:
        exact, share = stats.binomtest(agreeing, n).proportion_ci(method="exact"), share_of(agreeing, n)
        assert (share.low, share.high) == (pytest.approx(exact.low), pytest.approx(exact.high))
    assert math.isnan(mean_of([1.0]).low)
    assert math.isnan(share_of(0, 0).low)
    assert worst_of([-2.0, 1.0]).high == 2.0
    assert math.isnan(worst_of([]).low)
    assert math.isnan(worst_of([1.0, math.nan]).low)


def test_counts_that_agree_are_no_surer_than_rounding():
    same, spread = mean_count_of([3, 3, 3, 3]), mean_count_of([1, 3, 5, 7])
    assert same.high - same.value == pytest.approx(stats.t.ppf(0.975, 3) * math.sqrt(1 / 12) / 2)
    assert spread.high == pytest.approx(mean_of([1, 3, 5, 7]).high)


@pytest.mark.parametrize("found", [mean_of([-0.1, -0.3, 0.2, -0.2]), share_of(5, 7), mean_of([0.9, 1.02, 1.1])])
def test_as_many_seeds_as_are_said_to_be_needed_decide_and_one_fewer_does_not(found):
    for target in (below(0.0), most(), within(0.2, 1.0)):
        one = Comparison("x", found, target)
        if one.needed is not None:
            assert one.outcome == "insufficient"
            assert target.judge(found.with_n(one.needed)) != "insufficient"
            assert target.judge(found.with_n(one.needed - 1)) == "insufficient"
    assert any(Comparison("x", found, target).needed for target in (below(0.0), most(), within(0.2, 1.0)))


def test_no_number_of_seeds_is_named_where_none_would_decide():
    for found, target in [
        (mean_of([1.0]), above(0.0)),
        (interval(-1, 1), above(0.0)),
        (interval(0, 1, 0.9), above(0.0)),
    ]:
        assert Comparison("x", found, target).outcome == "insufficient"
        assert Comparison("x", found, target).needed is None
    assert Comparison("x", interval(1, 2), above(0.0)).needed is None


def test_a_claim_fails_with_one_comparison_and_holds_with_all():
    assert together(["holds", "insufficient", "fails"]) == "fails"
    assert together(["holds", "insufficient"]) == together([]) == "insufficient"
    assert together(["holds", "holds"]) == "holds"


def claim(*estimates: Estimate, **more) -> Claim:
    return Claim(
        "data", "x is below 1", "someone", comparisons=[Comparison("x", one, at_most(1.0)) for one in estimates], **more
    )


def test_a_claim_says_what_was_measured_what_was_expected_and_what_it_lacks():
    held = claim(mean_of([0.5, 0.52, 0.48]))
    assert (held.verdict, held.kind, held.why_undecided, held.expected) == ("holds", "derived", "", "at most 1")
    assert "0.500 (95 %: 0.450 to 0.550)" in held.measured
    short = claim(mean_of([0.5, 0.52, 0.48]), lacks="1 of 5 trials converged")
    assert (short.verdict, short.why_undecided) == ("insufficient", "1 of 5 trials converged")
    wide = claim(mean_of([0.5, 1.2, 0.9]))
    assert wide.verdict == "insufficient"
    assert "seeds would decide, where there are 3" in wide.why_undecided
    assert claim(mean_of([1.2]), mean_of([0.5, 0.6])).why_undecided == "more seeds alone would not decide"


def test_a_question_is_answered_and_never_fails():
    answers = {claim(interval(*ends), kind="question").verdict for ends in [(0.1, 0.2), (1.1, 1.2), (0.9, 1.2)]}
    assert answers == {"yes", "no", "open"}
    assert tally([claim(interval(0.1, 0.2)), claim(interval(1, 2)), claim(interval(2, 3), kind="question")]) == (
        "2 claims: 1 holds, 1 undecided; 1 question: 1 answered"
    )


def test_claims_name_statements_that_there_are():
    assert claim(interval(0, 1), statements=["W18"]).kind == "source"
    with pytest.raises(ValueError, match="there is no statement W99"):
        claim(interval(0, 1), statements=["W99"])
    numbers = [one.number for source in SOURCES for one in source.statements]
    assert len(set(numbers)) == len(numbers) == len(STATEMENTS)


def test_a_claim_is_read_back_as_it_was_written_and_judged_alike():
    for one in (claim(interval(0, 1), statements=["W18"]), claim(mean_of([1.0]), kind="question"), claim(lacks="all")):
        row = json.loads(json.dumps(as_row(one), allow_nan=False))
        again = claim_of(row)
        assert str(again) == str(one)
        assert again.verdict == row["verdict"] == one.verdict
        assert as_row(again) == as_row(one)
