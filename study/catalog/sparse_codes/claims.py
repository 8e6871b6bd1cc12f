"""sparse_codes: which penalties leave an autoencoder exactly the codes that its data need.

On linear data, theory gives the minimum under each penalty, with the energy of every code, and training reaches it. If
copies of a code cost less than one code, all codes are used; if they cost the same (√u, the nuclear norm), any number of
codes; if they cost more, one code for each principal component. But training may not find the minimum: MCP and SCAD are flat
beyond their knee, and codes that start there feel no penalty.

On a smooth manifold much the same holds, but training takes longer and may end with one code too many. So a penalty prunes
if copies cost more and it has a slope where codes start. The rule "a penalty prunes iff its slope at u = 0 is unbounded"
fails both ways: √u has an unbounded slope and does not prune, log(u + δ) has a bounded one and does. Theorem 4 says less: a
bounded slope fails on some data, if they are folded closely enough (see `penalties`); these data are not folded.

Source: Dai, Wenliang & Wipf (2021), Thm. 4 and Lemma 3; the minima on linear data are derived (`analysis.theory`).
"""

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.frames.view import View
from analysis.tables.interval import NOTHING, number
from analysis.tables.sheet import Sheet
from analysis.theory import sparse_codes as theory
from study.catalog.sparse_codes.groups import COPIES, ONE, TIE, Group, by_penalty, groups, sheet
from study.catalog.sparse_codes.table import sparse_codes

SOURCE, DERIVED = "Dai, Wenliang & Wipf (2021)", "derived; see analysis.theory.sparse_codes"

COMPLETE = 0.01
"""Largest NRE at which noise-free data count as reconstructed."""

OF_ENERGY, OF_NORM = 0.05, 0.01
"""Relative tolerances on energies and on the nuclear norm."""

LOGARITHMS = ("log", "log plus")

BOUNDED = ("u", "Huber", "saturating", "log plus")
"""Penalties with a finite slope in u at u = 0."""


@sparse_codes.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study; there are none for data of unknown dimension."""
    found = []
    for (data, gamma), of in groups(view).items():
        where = f"{data}, γ {gamma}"
        if of[0].is_linear:
            found += _linear(where, of)
        elif of[0].is_late:
            found.append(_late(where, of))
        else:
            found += _curved(where, of)
    return found + _learned(view)


@sparse_codes.sheets
def sheets(view: View) -> list[Sheet]:
    """Codes that are used, penalty by penalty, beside theory for linear data."""
    return [sheet(view)]


def _linear(where: str, of: list[Group]) -> list[Claim]:
    steep = [group for group in of if group.preference == ONE and not group.is_flat]
    flat = [group for group in of if group.preference == ONE and group.is_flat]
    copies = [group for group in of if group.preference == COPIES]
    return [
        _counts(where, "where copies of a code cost less, more codes are used than needed", DERIVED, copies, more=True),
        _counts(
            where,
            "where copies cost more, and the penalty has a slope, one code is left for each principal component",
            DERIVED,
            steep,
        ),
        _counts(
            where,
            "where copies cost more, but the penalty is flat at the codes' size, one code is left for each component too",
            DERIVED,
            flat,
        ),
        _norm(where, [group for group in of if group.preference == TIE]),
        _energies(where, "log u and log(u + δ) leave the principal components", _named(of, *LOGARITHMS)),
        _energies(where, "u leaves κ codes of equal energy, (Σ √λ/(κ + rγ))²", _named(of, "u")),
    ]


def _curved(where: str, of: list[Group]) -> list[Claim]:
    """On a smooth manifold; whether copies of a code cost more is computed as if it were linear."""
    steep = [group for group in of if group.preference == ONE and not group.is_flat]
    others = [group for group in of if group.preference != ONE]
    found = [
        _reconstructs(where, of),
        _counts(
            where,
            "as on linear data, more codes are used than needed where copies cost no more",
            DERIVED,
            others,
            more=True,
        ),
    ]
    if len(steep) > len(LOGARITHMS):
        found.append(
            _counts(
                where,
                "where copies cost more, and the penalty has a slope, exactly the needed codes are left",
                DERIVED,
                steep,
            )
        )
        found.append(_rule(where, of))
    return found


def _named(of: list[Group], *names: str) -> list[Group]:
    return [group for group in of if group.h in names]


def _claim(
    where: str, said: str, source: str, of: list[Group], expected: str, measured: str, within: str, agrees: bool
) -> Claim:
    verdict = judge(agrees, bool(of) and all(group.is_complete for group in of))
    return Claim(where, said, source, expected, measured, within, verdict, sum(map(len, of)), topics.SPARSE_CODES)


def _counts(where: str, said: str, source: str, of: list[Group], more: bool = False) -> Claim:
    """Whether these penalties leave exactly the needed number of codes, or `more` than that, in every seed."""
    agrees = all(all(n > group.r if more else n == group.r for n in group.used) for group in of)
    expected = f"{'more than ' if more else ''}{of[0].r} codes" if of else "the needed number of codes"
    return _claim(where, said, source, of, expected, by_penalty(of), "every seed", agrees)


def _norm(where: str, of: list[Group]) -> Claim:
    expected = [theory.nuclear_norm(group.spectrum, group.gamma, group.weight) for group in of]
    errors = [norm / e - 1 for group, e in zip(of, expected, strict=True) for norm in group.norms]
    error = max(map(abs, errors), default=float("nan"))
    return _claim(
        where,
        "under √u copies cost the same: Σ √u is the nuclear norm, with any number of codes",
        DERIVED,
        of,
        f"Σ √u = {', '.join(number(e, 4) for e in expected)}",
        f"within {number(error)}; {by_penalty(of)}",
        f"{OF_NORM:.0%}, relative",
        error <= OF_NORM and all(n > group.r for group in of for n in group.used),
    )


def _energies(where: str, said: str, of: list[Group]) -> Claim:
    errors = [e for group in of for e in group.energy_errors()]
    error = max(errors, default=float("nan"))
    expected = "; ".join(f"{group.label}: {', '.join(number(e) for e in group.expected[:3])}" for group in of)
    measured = f"within {error:.1%}" if errors else "not measured"
    return _claim(where, said, DERIVED, of, expected, measured, f"{OF_ENERGY:.0%}, relative", error <= OF_ENERGY)


def _reconstructs(where: str, of: list[Group]) -> Claim:
    logs = _named(of, *LOGARITHMS)
    worst = max((nre for group in logs for nre in group.nre), default=float("nan"))
    exact = all(n == group.r for group in logs for n in group.used)
    return _claim(
        where,
        "log u and log(u + δ) leave exactly the needed codes, and these reconstruct the data",
        f"{SOURCE}, Thm. 4",
        logs,
        f"{logs[0].r if logs else 'r'} codes, NRE ≤ {COMPLETE:g}",
        f"{by_penalty(logs)}; largest NRE {number(worst)}",
        "every seed",
        exact and worst <= COMPLETE,
    )


def _rule(where: str, of: list[Group]) -> Claim:
    """Thm. 4 read as a rule for all data, which it is not."""
    agrees = [all(n > g.r if g.h in BOUNDED else n == g.r for n in g.used) for g in of]
    others = [group for group, said in zip(of, agrees, strict=True) if not said]
    return _claim(
        where,
        "a penalty prunes iff its slope at u = 0 is unbounded",
        f"{SOURCE}, Thm. 4, read as a rule for all data",
        of,
        f"more than {of[0].r} codes under {', '.join(g.label for g in of if g.h in BOUNDED)}; {of[0].r} under the others",
        f"false under {by_penalty(others)}" if others else "true under all",
        "every seed",
        all(agrees),
    )


def _late(where: str, of: list[Group]) -> Claim:
    logs = _named(of, *LOGARITHMS)
    return _claim(
        f"{where} from 1",
        "a logarithm keeps no mode with λ < 4γ: if γ starts large, needed codes are lost before it has fallen",
        DERIVED,
        logs,
        f"fewer than {logs[0].r if logs else 'r'} codes",
        by_penalty(logs),
        "every seed",
        all(n < group.r for group in logs for n in group.used),
    )


def _learned(view: View) -> list[Claim]:
    """A learned γ, which makes g a logarithm, against a fixed one, at the same number of codes."""
    found = groups(view)
    claims = []
    for data in dict.fromkeys(data for data, _ in found):
        logs = [g for (other, _), of in found.items() if other == data for g in _named(of, *LOGARITHMS)]
        fixed = [group for group in logs if group.is_fixed]
        learned = [group for group in logs if not (group.is_fixed or group.is_late)]
        if not learned:
            continue
        ratios = [min(f.nre) / max(g.nre) for g in learned for f in fixed if f.label == g.label]
        claims.append(
            _claim(
                data,
                "with the same number of codes, a learned γ (g = log) reconstructs better than a fixed one (g linear)",
                f"{SOURCE}, Lemma 3",
                [*fixed, *learned],
                "least NRE with γ fixed over the largest with γ learned > 1",
                ", ".join(f"{g.label}: {number(ratio)}" for g, ratio in zip(learned, ratios, strict=False)) or NOTHING,
                "every penalty",
                min(ratios, default=0.0) > 1,
            )
        )
    return claims
