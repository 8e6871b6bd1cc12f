"""stability: which remedies keep a VAE with a small γ from diverging, and from losing the balance?

Each remedy is compared with its twin without: the same setting, learning rate and seed, hence the same initial weights,
minibatches and noise. A trial that diverged is a result: it lost all its latents, and has no J to compare. That steps
shrink, or β is small for a while, also costs training time; what a remedy costs where nothing is amiss is asked as well.

Source: Dai, Wenliang & Wipf (2021) for gradients that grow without bound as γ falls; Bowman et al. (2016) for the warm-up
of β; Igel & Hüsken (2003) for steps by sign. What each should do about it is derived.
"""

from math import comb

import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import Interval, number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.stability.table import (
    CEILING_ON_GAMMA,
    FIXED,
    LEARNED,
    NEAR,
    NONE,
    SIGNS,
    SLOWER,
    WARM_UP,
    stability,
)

INFINITE = "Dai, Wenliang & Wipf (2021): the gradient is unbounded as γ → 0"
SOURCES = {
    WARM_UP: "Bowman et al. (2016): annealing of the KL term",
    CEILING_ON_GAMMA: "Dai, Wenliang & Wipf (2021), section 4: a bound on γ",
    SLOWER: "derived: the gradient of the reconstruction grows with 1/γ",
    SIGNS: "Igel & Hüsken (2003): the size of a gradient does not count",
}

CHANCE = 0.05
"""Largest probability of as lopsided a count, were the remedy without effect."""

PRICE = 0.1
"""What J may be higher, as a part of |J| without the remedy."""

FEWEST = 3
"""Seeds that a comparison needs."""


@stability.claims
def claims(view: View) -> list[Claim]:
    """What training does without a remedy, and what each remedy does about it."""
    return remedied(view.trials, view.header)


def remedied(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `setting`, `lr`, `remedy` and `seed`."""
    trials = with_losses(frame)
    if trials.empty:
        return []
    found = [_unstable(trials)]
    for remedy in header.ordered("remedy", frame["remedy"]):
        if remedy != NONE:
            pairs = _pairs(trials, str(remedy))
            found += [_fewer_diverge(pairs, remedy), _fewer_lost(pairs, remedy)]
            if frame.loc[frame["remedy"].eq(remedy), "setting"].eq(FIXED).any():  # no ceiling is below a small γ
                found.append(_fewer_needless(pairs, remedy))
            found += [_better_where_high(pairs, remedy), _free_of_charge(pairs, remedy)]
    return found


def with_losses(frame: Frame) -> Frame:
    """Trials with a result, with `diverged`, and the latents `lost` of the r needed and `needless` beyond them."""
    known = frame[frame["status"].isin(["finished", "diverged"])]
    diverged, r = known["status"].eq("diverged"), known["intrinsic_dim"]
    lost = (r - known["n_active"]).clip(lower=0).where(~diverged, r)
    needless = (known["n_active"] - r).clip(lower=0).where(~diverged)
    return known.assign(diverged=diverged, lost=lost, needless=needless)


@stability.sheets
def sheets(view: View) -> list[Sheet]:
    """What every setting and learning rate ends with under each remedy."""
    rows = []
    for (setting, lr, remedy), own in cells(with_losses(view.trials), view.header, ["setting", "lr", "remedy"]):
        stood = own[~own["diverged"]]
        row = {"γ": setting, "learning rate": label_text(lr), "remedy": remedy}
        row |= {"diverged": f"{int(own['diverged'].sum())} of {len(own)}", "active": str(t_interval(stood["n_active"]))}
        rows.append(
            row | {"NRE": str(t_interval(stood["nre_test"])), "J, test": str(t_interval(stood["objective_test"]))}
        )
    caption = (
        "Outcome by remedy, r = 3: trials that diverged, and of the others mean ± half-width of the 95 % t-interval"
    )
    return [Sheet("remedies", caption, pd.DataFrame(rows))]


def _pairs(trials: Frame, remedy: str) -> Frame:
    """One row a setting, learning rate and seed: the remedy's columns, and its twin's without, ending in `_none`."""
    key = ["setting", "lr", "seed"]
    columns = [*key, "diverged", "lost", "needless", "objective_test"]
    sides = [trials.loc[trials["remedy"].eq(name), columns].set_index(key) for name in (remedy, NONE)]
    return sides[0].join(sides[1].add_suffix("_none"), how="inner").reset_index()


def _unstable(trials: Frame) -> Claim:
    plain = trials[trials["remedy"].eq(NONE) & trials["setting"].eq(LEARNED)]
    shares = plain.groupby("lr")["diverged"].agg(["sum", "count"])
    told = ", ".join(f"{int(n)} of {int(of)} at {label_text(lr)}" for lr, (n, of) in shares.iterrows())
    share = shares["sum"] / shares["count"]
    return Claim(
        data="γ learned",
        claim="without a remedy training diverges at the highest learning rate, and not at the lowest",
        source=INFINITE,
        expected="more than half at the highest, none at the lowest",
        measured=f"diverged: {told or 'nothing measured'}",
        tolerance="the majority of seeds",
        verdict=judge(
            len(share) > 1 and share.iloc[-1] > 0.5 and share.iloc[0] == 0, plain["seed"].nunique() >= FEWEST
        ),
        trials=len(plain),
        topic=topics.REMEDIES,
    )


def _fewer_diverge(pairs: Frame, remedy: str) -> Claim:
    """McNemar's exact test: of the pairs in which one side alone diverged, half would be the remedy's by chance."""
    ours, theirs = pairs["diverged"].astype(bool), pairs["diverged_none"].astype(bool)
    worse, better = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    n = worse + better
    chance = sum(comb(n, k) for k in range(worse + 1)) / 2**n
    measured = f"{int(ours.sum())} with and {int(theirs.sum())} without of {len(pairs)}; p = {number(chance)}"
    return _claim(
        pairs,
        remedy,
        "every setting",
        "fewer trainings diverge",
        "fewer than without",
        measured,
        f"McNemar's exact test, one-sided, p ≤ {CHANCE:g}",
        chance <= CHANCE,
        bool(theirs.any()),
    )


def _fewer_lost(pairs: Frame, remedy: str) -> Claim:
    near = pairs[pairs["setting"].eq(NEAR)]
    less = _by_seed(near, "lost")
    measured = f"{less} latents, of {number(near['lost_none'].mean())} lost without"
    return _below_zero(near, remedy, "γ learned, β = 6", "fewer needed latents are lost", measured, less)


def _fewer_needless(pairs: Frame, remedy: str) -> Claim:
    small = pairs[pairs["setting"].eq(FIXED)]
    less = _by_seed(small, "needless")
    measured = f"{less} latents, of {number(small['needless_none'].mean())} needless ones without"
    return _below_zero(small, remedy, "γ fixed, small", "fewer needless latents stay active", measured, less)


def _better_where_high(pairs: Frame, remedy: str) -> Claim:
    """The middle learning rate: high enough for harm, and not so high that there is nothing left to compare."""
    rates = sorted(pairs["lr"].unique())
    own = pairs[pairs["setting"].eq(LEARNED) & pairs["lr"].eq(rates[len(rates) // 2] if rates else None)]
    less = _by_seed(own, "objective_test")
    where = f"γ learned, learning rate {label_text(rates[len(rates) // 2]) if rates else '—'}"
    return _below_zero(own, remedy, where, "training ends at a lower J", f"{less} nats", less)


def _free_of_charge(pairs: Frame, remedy: str) -> Claim:
    own = pairs[pairs["setting"].eq(LEARNED) & pairs["lr"].eq(pairs["lr"].min())]
    more, bound = _by_seed(own, "objective_test"), PRICE * abs(own["objective_test_none"].mean())
    return _claim(
        own,
        remedy,
        f"γ learned, learning rate {label_text(pairs['lr'].min())}",
        "nothing is paid where training is stable",
        "J no higher than without",
        f"J with − without {more} nats",
        f"the paired 95 % t-interval ends below {PRICE:.0%} of |J|, {number(bound)} nats",
        more.high <= bound,
        more.n >= FEWEST,
    )


def _by_seed(pairs: Frame, column: str) -> Interval:
    """With minus without, a seed's mean over learning rates first: seeds are what is independent."""
    return t_interval((pairs[column] - pairs[f"{column}_none"]).groupby(pairs["seed"]).mean())


def _below_zero(pairs: Frame, remedy: str, where: str, claim: str, measured: str, less: Interval) -> Claim:
    rule = "the paired 95 % t-interval over seeds lies below 0"
    agrees = less.high < 0 or (less.half == 0 and less.mean < 0)
    return _claim(pairs, remedy, where, claim, "with − without < 0", measured, rule, agrees, less.n >= FEWEST)


def _claim(
    pairs: Frame,
    remedy: str,
    where: str,
    claim: str,
    expected: str,
    measured: str,
    tolerance: str,
    agrees: bool,
    enough: bool,
) -> Claim:
    verdict = judge(agrees, enough and pairs["seed"].nunique() >= FEWEST)
    source, trials = SOURCES.get(remedy, "derived"), 2 * len(pairs)
    claim = f"with {remedy}: {claim}"
    return Claim(where, claim, source, expected, measured, tolerance, verdict, trials, topics.REMEDIES)
