"""What a reader must know of a study's trials, with its numbers: what regimes go by, whether γ is at rest, and more."""

import math

from analysis.explore.axes import in_words
from analysis.frames.gamma_rest import AT_REST, excess, falls_for_ever
from analysis.frames.load import Header
from analysis.frames.regime import kept
from analysis.frames.standards import RELATIVE_LIMIT, Standard, standards
from analysis.frames.types import Frame
from analysis.tables.cells import label_text


def rules(frame: Frame, header: Header) -> list[str]:
    """For each data set with regimes one sentence: how many latents are needed, and what counts as a reconstruction."""
    judged = frame[frame["data_id"].notna() & kept(frame).notna()]
    by_data = standards(frame)
    told = judged.drop_duplicates("data_id").groupby("data", observed=True, sort=True)["data_id"].first()
    return [f"{label_text(data)}: {_rule(by_data[str(data_id)], header)}" for data, data_id in told.items()]


def outdone(frame: Frame, header: Header) -> list[str]:
    """For each column that a search minimises: that finished trials are worse than the value declared of diverged ones."""
    found, finished = [], frame[frame["status"].eq("finished")]
    for column, declared in header.minimised.items():
        if column in finished and (most := finished[column].max()) > declared:
            found.append(
                f"The search declares that a diverged trial counts as {column}={declared:g}, and a finished one has "
                f"{most:.5g}: so a diverged one counts as worse than every finished one so far."
            )
    return found


def restless(frame: Frame) -> list[str]:
    """For each data set up to two sentences: of trials whose γ still moved, and of those where theory says that it falls."""
    asked = frame[frame["status"].eq("finished") & frame["gamma_at_rest"].notna()]
    falls, found = falls_for_ever(frame), list[str]()
    for data, trained in asked.groupby("data", observed=True, sort=True):
        moving = trained[trained["gamma_at_rest"].eq(False)]
        for rows, verdict in ((moving[~falls[moving.index]], _CUT_OFF), (moving[falls[moving.index]], _FALLS)):
            if len(rows):
                part = f"{len(rows)} of {len(trained)} finished trials that train it"
                found.append(f"{label_text(data)}: γ was not at rest in {part} ({_how_far(rows)}){verdict}")
    return found


_CUT_OFF = ": train these for longer, for their γ, −ELBO and active latents are those at which training stopped."

_FALLS = (
    ", as theory says: κ ≥ r latents leave no distortion of data without noise, and γ falls for ever where β < d/r. So its "
    "fall is the result, and its value a matter of the steps."
)


def _how_far(rows: Frame) -> str:
    """By how much γ moved at most, and how far above R/d it ended."""
    moved, above = 100 * math.expm1(rows["gamma_drift"].abs().max()), excess(rows).max()
    far = f", and ended up to {above:.3g} × R/d, where J is least" if above > AT_REST else ""
    return f"it moved by up to {moved:.0f} % over the last fifth of training{far}"


def _rule(standard: Standard, header: Header) -> str:
    if standard.r is None:
        return _relative(standard, header)
    needed = f"the data need r = {standard.r} latents"
    if standard.is_noise_free:
        return f"{needed} and have no noise, so a trial reconstructs if its NRE mean is at most {standard.limit:g}."
    noisy = f"{needed} and {'are noisy' if standard.noise else 'may be noisy'}"
    if standard.is_pending:
        return (
            f"{noisy}, so regimes go by the best NRE mean, and are named once all trials on these data have a result."
        )
    if standard.trial is None:
        return f"{noisy}, and no finished trial has an NRE mean, so none is known to reconstruct."
    return (
        f"{noisy}, so a trial reconstructs if its NRE mean is at most {_limit(standard)} that of the best trial"
        f"{_which(standard, header)}."
    )


def _relative(standard: Standard, header: Header) -> str:
    if standard.is_pending:
        return "r is unknown, so regimes are relative to one trial, and named once all on these data have a result."
    if standard.trial is None:
        return f"r is unknown, and {standard.lack}, so no regime can be named."
    latents = "1 active latent" if standard.needed == 1 else f"{standard.needed} active latents"
    return (
        "r is unknown, so regimes are relative to the converged trial with the lowest −ELBO on the test set"
        f"{_which(standard, header)}: it keeps {latents}, as many as the data are taken to need, and a trial reconstructs "
        f"if its NRE mean is at most {_limit(standard)} that trial's."
    )


def _limit(standard: Standard) -> str:
    """ "0.112, which is 1.1 ×"."""
    return f"{standard.limit:.3g}, which is {RELATIVE_LIMIT:g} ×"


def _which(standard: Standard, header: Header) -> str:
    """ " (γ learned, seed 1)": where the trial stands in the study's table."""
    axes = [axis for axis in header.varying() if axis != "data"]
    labels = in_words({axis: standard.trial[axis] for axis in axes}) if standard.trial else ""
    return f" ({labels})" if labels else ""
