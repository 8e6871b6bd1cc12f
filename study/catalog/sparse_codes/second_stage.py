"""Second stages on the codes of autoencoders: do they turn sparse codes into something to draw from?

Samples are compared with as many test examples, by the share of bins that they fill differently and by MMD². Real examples
in their place, of the training set, say what chance makes of either number.

Source: Dai, Wenliang & Wipf (2021), discussion.
"""

import pandas as pd

from analysis.claims.claim import QUESTION, Claim
from analysis.claims.comparison import Comparison, at_most, below
from analysis.claims.estimate import mean_of
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import t_interval
from analysis.tables.sheet import Sheet
from study.catalog.sparse_codes.groups import split
from study.catalog.sparse_codes.table import SPARSE

SOURCE = "Dai, Wenliang & Wipf (2021), discussion"

BINS = "ndb_100"

DIFFERENT = 0.25
"""Largest share of bins that samples may fill differently from test examples; real ones fill 0.05 so by chance."""


def sampled(view: View) -> list[Claim]:
    """A claim about samples from sparse codes, and a question: whether dense codes would do as well."""
    _, second = split(view.trials)
    found = []
    for (data, gamma), trials in cells(second, view.header, ["data", "gamma"]):
        where = f"{label_text(data)}, γ {label_text(gamma)}"
        done = trials[trials["status"].eq("finished")]
        sparse, dense = (done[done["h"].astype(str).eq(SPARSE) == is_sparse] for is_sparse in (True, False))
        share = Comparison(
            "share of bins that samples fill differently", mean_of(_of(sparse, BINS)), at_most(DIFFERENT)
        )
        found.append(
            Claim(
                where,
                "a deterministic autoencoder with sparse codes can be sampled by a second stage",
                SOURCE,
                measured=f"{share}; real examples {t_interval(_of(sparse, f'{BINS}_null'))}",
                trials=len(sparse),
                comparisons=[share],
                statements=["D11"],
            )
        )
        lead = _of(sparse.set_index("seed"), "mmd_x") - _of(dense.set_index("seed"), "mmd_x")
        found.append(
            Claim(
                where,
                "are samples from sparse codes nearer to the data than samples from all codes?",
                "asked here",
                trials=len(done),
                comparisons=[Comparison("MMD² from sparse codes less that from all", mean_of(lead), below(0.0))],
                kind=QUESTION,
            )
        )
    return found


def sheet_of_samples(view: View) -> list[Sheet]:
    """Distances of samples to test examples, penalty by penalty, beside those of real examples."""
    _, second = split(view.trials)
    rows = []
    for (data, h), trials in cells(second, view.header, ["data", "h"]):
        done = trials[trials["status"].eq("finished")]
        names = {"NDB/K, K = 100": BINS, "MMD²": "mmd_x", "Fréchet distance": "fd_x"}
        texts = {text: str(t_interval(_of(done, name))) for text, name in names.items()}
        texts |= {f"{text}, real examples": str(t_interval(_of(done, f"{name}_null"))) for text, name in names.items()}
        rows.append({"data": label_text(data), "h(u)": label_text(h), **texts})
    caption = (
        "Samples of a second stage on the codes of an autoencoder, against test examples, and real examples in their place: "
        "mean ± half-width of the 95 % t-interval over seeds"
    )
    return [Sheet("samples", caption, pd.DataFrame(rows))] if rows else []


def _of(trials: Frame, name: str) -> "pd.Series":
    return trials[name] if name in trials else pd.Series(dtype=float)
