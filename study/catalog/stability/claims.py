"""stability: which remedies keep a VAE with a small γ from diverging, and from losing the balance?

Each trial with a remedy is compared with its twin without: the same setting, learning rate and seed, hence the same initial
weights, minibatches and noise. A trial that diverged is a result: it lost all its latents, and has no J to compare. Smaller
steps, or a small β at first, also cost training time; so another claim asks what a remedy costs where training is stable
without it.

Source: Dai, Wenliang & Wipf (2021) for gradients that grow without bound as γ falls; Bowman et al. (2016) for the warm-up
of β; Igel & Hüsken (2003) for steps by sign. What each remedy should achieve is derived.
"""

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most, below, most
from analysis.claims.estimate import Estimate, mean_of, share_of
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number, t_interval
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

FEW = 0.25
"""Share of trainings below which few diverge."""

PRICE = 0.1
"""How much higher J may be with the remedy, as a fraction of |J| without it."""


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
    rates = sorted(plain["lr"].unique())
    low, high = (plain.loc[plain["lr"].eq(rates[end]), "diverged"] if rates else plain["diverged"] for end in (0, -1))
    return Claim(
        "γ learned",
        "without a remedy most trainings diverge at the highest learning rate, and few at the lowest",
        INFINITE,
        comparisons=[
            Comparison("diverged at the highest", share_of(int(high.sum()), len(high)), most()),
            Comparison("diverged at the lowest", share_of(int(low.sum()), len(low)), below(FEW)),
        ],
        lacks="" if len(rates) > 1 else "trials of one learning rate have a result",
        trials=len(plain),
    )


def _fewer_diverge(pairs: Frame, remedy: str) -> Claim:
    fewer = Comparison("share that diverges, with − without", _by_seed(pairs, "diverged"), below(0.0))
    ours, theirs = (int(pairs[side].sum()) for side in ("diverged", "diverged_none"))
    measured = f"{ours} with and {theirs} without of {len(pairs)}; {fewer}"
    lacks = "" if theirs else "nothing diverges without it either"
    return _question(pairs, remedy, "every setting", "do fewer trainings diverge?", fewer, measured, lacks)


def _fewer_lost(pairs: Frame, remedy: str) -> Claim:
    near = pairs[pairs["setting"].eq(NEAR)]
    less = Comparison("needed latents that are lost, with − without", _by_seed(near, "lost"), below(0.0))
    measured = f"{less}, of {number(near['lost_none'].mean())} lost without"
    return _question(near, remedy, "γ learned, β = 6", "are fewer needed latents lost?", less, measured)


def _fewer_needless(pairs: Frame, remedy: str) -> Claim:
    small = pairs[pairs["setting"].eq(FIXED)]
    less = Comparison("needless latents that stay, with − without", _by_seed(small, "needless"), below(0.0))
    measured = f"{less}, of {number(small['needless_none'].mean())} without"
    return _question(small, remedy, "γ fixed, small", "do fewer needless latents stay active?", less, measured)


def _better_where_high(pairs: Frame, remedy: str) -> Claim:
    """The middle learning rate: high enough to do harm, and low enough that trials finish."""
    rates = sorted(pairs["lr"].unique())
    own = pairs[pairs["setting"].eq(LEARNED) & pairs["lr"].eq(rates[len(rates) // 2] if rates else None)]
    less = Comparison("J with − without, nats", _by_seed(own, "objective_test"), below(0.0))
    where = f"γ learned, learning rate {label_text(rates[len(rates) // 2]) if rates else '—'}"
    return _question(own, remedy, where, "does training end at a lower J?", less, str(less))


def _free_of_charge(pairs: Frame, remedy: str) -> Claim:
    own = pairs[pairs["setting"].eq(LEARNED) & pairs["lr"].eq(pairs["lr"].min())]
    bound = PRICE * abs(own["objective_test_none"].mean())
    more = Comparison("J with − without, nats", _by_seed(own, "objective_test"), at_most(bound, " nats"))
    where = f"γ learned, learning rate {label_text(pairs['lr'].min())}"
    said = f"does it cost at most {PRICE:.0%} of |J| where training is stable?"
    return _question(own, remedy, where, said, more, str(more))


def _by_seed(pairs: Frame, column: str) -> Estimate:
    """With minus without, first averaged over a seed's settings and learning rates, as only seeds are independent."""
    change = pairs[column].astype(float) - pairs[f"{column}_none"].astype(float)
    return mean_of(change.groupby(pairs["seed"]).mean())


def _question(
    pairs: Frame, remedy: str, where: str, asked: str, compared: Comparison, measured: str, lacks: str = ""
) -> Claim:
    return Claim(
        where,
        f"with {remedy}: {asked}",
        SOURCES.get(remedy, "derived"),
        measured=measured,
        comparisons=[compared],
        lacks=lacks,
        trials=2 * len(pairs),
        kind="question",
    )
