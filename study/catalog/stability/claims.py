"""stability: which remedies keep a VAE with a small γ from diverging, and from losing the balance?

Each trial with a remedy is compared with its twin without: the same setting, learning rate and seed, hence the same initial
weights, minibatches and noise. A trial that diverged is a result: it lost all its latents, and has no J to compare. Smaller
steps, or a small β at first, also cost training time; so another claim asks what a remedy costs where training is stable
without it.

Source: Dai, Wenliang & Wipf (2021) for gradients that grow without bound as γ falls; Bowman et al. (2016) for the warm-up
of β; Igel & Hüsken (2003) for steps by sign. What each remedy should achieve is derived.
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
    SIGNS: "Igel & Hüsken (2003): only the sign of a gradient counts",
}

CHANCE = 0.05
"""Largest p-value: the probability of so lopsided a count if the remedy had no effect."""

PRICE = 0.1
"""How much higher J may be with the remedy, as a fraction of |J| without it."""

FEWEST = 3
"""Seeds that a comparison needs."""


@stability.claims
def claims(view: View) -> list[Claim]:
    """How training ends without a remedy, and what each remedy changes."""
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
            if frame.loc[frame["remedy"].eq(remedy), "setting"].eq(FIXED).any():  # a small fixed γ has no ceiling
                found.append(_fewer_needless(pairs, remedy))
            found += [_better_where_high(pairs, remedy), _free_of_charge(pairs, remedy)]
    return found


def with_losses(frame: Frame) -> Frame:
    """Trials with a result, with `diverged`, and how many latents are `lost` of the r needed or `needless` beyond them."""
    known = frame[frame["status"].isin(["finished", "diverged"])]
    diverged, r = known["status"].eq("diverged"), known["intrinsic_dim"]
    lost = (r - known["n_active"]).clip(lower=0).where(~diverged, r)
    needless = (known["n_active"] - r).clip(lower=0).where(~diverged)
    return known.assign(diverged=diverged, lost=lost, needless=needless)


@stability.sheets
def sheets(view: View) -> list[Sheet]:
    """How training ends for every setting, learning rate and remedy."""
    rows = []
    for (setting, lr, remedy), own in cells(with_losses(view.trials), view.header, ["setting", "lr", "remedy"]):
        stood = own[~own["diverged"]]
        row = {"γ": setting, "learning rate": label_text(lr), "remedy": remedy}
        row |= {"diverged": f"{int(own['diverged'].sum())} of {len(own)}", "active": str(t_interval(stood["n_active"]))}
        rows.append(
            row | {"NRE": str(t_interval(stood["nre_test"])), "J, test": str(t_interval(stood["objective_test"]))}
        )
    caption = (
        "Outcome by remedy, r = 3: trials that diverged, and for the others mean ± half-width of the 95 % t-interval"
    )
    return [Sheet("remedies", caption, pd.DataFrame(rows))]


def _pairs(trials: Frame, remedy: str) -> Frame:
    """One row for each setting, learning rate and seed: columns with the remedy, and the twin's, ending in `_none`."""
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
        claim="without a remedy training diverges at the highest learning rate, but not at the lowest",
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
    """McNemar's exact test: without an effect, the remedy would diverge in half of the pairs in which one side did."""
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
    """The middle learning rate: high enough to do harm, and low enough that trials finish."""
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
        "it costs nothing where training is stable",
        "J no higher than without",
        f"J with − without {more} nats",
        f"the paired 95 % t-interval ends below {PRICE:.0%} of |J|, {number(bound)} nats",
        more.high <= bound,
        more.n >= FEWEST,
    )


def _by_seed(pairs: Frame, column: str) -> Interval:
    """With minus without, first averaged over a seed's learning rates, as only seeds are independent."""
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
