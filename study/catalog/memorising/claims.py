"""memorising: with few examples, is one latent enough for a decoder that is complex enough?

Definitions of balance count the latents of an infinite sample. Of n examples a single latent can be a number that names each,
if the decoder can draw a curve through all of them; so the count says something only where n is large for the decoder. Errors
are those of the mean, over the variance of the training set.

Source: Dai, Wenliang & Wipf (2021), earlier version, section 2; "On the regularization balance in autoencoder-based
generative models", section 3.
"""

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, Target, at_least, at_most
from analysis.claims.estimate import mean_of
from analysis.figures.drawing import Drawing
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells
from analysis.tables.interval import t_interval
from analysis.tables.sheet import Sheet
from study.catalog.memorising.figures import errors
from study.catalog.memorising.table import LINEAR, MANY, memorising

SOURCE = "Dai, Wenliang & Wipf (2021), earlier version, section 2"

COMPLETE = 0.05
"""Share of the training set's variance that may be lost where it counts as reconstructed."""

LOST = 0.1
"""Share that is lost at least where one latent does not suffice."""


@memorising.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study."""
    return of_one_latent(view.trials, view.header)


def of_one_latent(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `n`, `width` and `seed`."""
    done = frame[frame["status"].eq("finished")]
    wide, straight = done[done["width"].ne(LINEAR)], done[done["width"].eq(LINEAR)]
    few = sorted(n for n in header.axes["n"] if n < MANY)
    return [
        _claim(
            "of few examples one latent is enough, for a complex enough decoder",
            SOURCE,
            "nre_mean_train",
            wide,
            few,
            at_most(COMPLETE),
            statements=("D1-2", "B3"),
        ),
        _claim(
            "not so for a linear decoder: it is the decoder's complexity that makes up for latents",
            "derived: a line holds no more than its own mode",
            "nre_mean_train",
            straight,
            few,
            at_least(LOST),
        ),
        _claim(
            "nor of many examples, of which a curve cannot pass near all",
            "derived",
            "nre_mean_train",
            wide,
            [MANY],
            at_least(LOST),
        ),
        _claim(
            "what is memorised does not generalise: of new examples much is lost",
            "derived",
            "nre_mean_test",
            wide,
            few,
            at_least(LOST),
        ),
    ]


@memorising.figures
def drawings(view: View) -> list[Drawing]:
    """Errors on both sets against the number of examples."""
    done = view.trials[view.trials["status"].eq("finished")]
    return [errors(done)] if len(done) else []


@memorising.sheets
def sheets(view: View) -> list[Sheet]:
    """Errors, active latents and γ for each number of examples and width."""
    rows = []
    for (width, n), trials in cells(view.trials, view.header, ["width", "n"]):
        done = trials[trials["status"].eq("finished")]
        measured = {"NRE, training": "nre_mean_train", "NRE, test": "nre_mean_test", "γ": "gamma_value"}
        texts = {heading: str(t_interval(done[column])) for heading, column in measured.items()}
        rows.append({"decoder": f"width {width}" if width else "linear", "examples": str(n), **texts})
    caption = "Errors of the mean and learned γ of a VAE with one latent: mean ± half-width of the 95 % t-interval"
    return [Sheet("errors", caption, pd.DataFrame(rows))]


def _claim(
    said: str,
    source: str,
    column: str,
    trials: Frame,
    numbers: list[int],
    target: Target,
    statements: tuple[str, ...] = (),
) -> Claim:
    own = trials[trials["n"].isin(numbers)]
    split = "training" if column.endswith("train") else "test"
    compared = [
        Comparison(f"NRE, {split} set, n = {n}", mean_of(own.loc[own["n"].eq(n), column]), target) for n in numbers
    ]
    return Claim(
        "manifold r=3, κ = 1",
        said,
        source,
        trials=len(own),
        comparisons=compared,
        statements=statements,
    )
