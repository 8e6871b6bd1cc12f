"""sparse_codes: which penalties leave an autoencoder exactly the codes that its data need.

On linear data, theory gives the minimum under each penalty, with the energy of every code, and training reaches it. If
copies of a code cost less than one code, all codes are used; if they cost the same (√u, the nuclear norm), any number of
codes; if they cost more, one code for each principal component. But training may not find the minimum: MCP and SCAD are flat
beyond their knee, and codes that start there feel no penalty.

On a smooth manifold much the same holds, but training takes longer and may end with one code too many. So a penalty prunes
if copies cost more and it has a slope where codes start. Theorem 4 says that a bounded slope fails on some data, if they are
folded closely enough (see `penalties`). It does not say that an unbounded one succeeds: √u does not. And these data are not
folded, so that log(u + δ), whose slope is bounded, does.

Source: Dai, Wenliang & Wipf (2021), Thm. 4 and Lemma 3; the minima on linear data are derived (`analysis.theory`).
"""

from collections.abc import Sequence

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, above, at_most, below, most, within
from analysis.claims.estimate import Estimate, mean_count_of, mean_of, share_of
from analysis.frames.view import View
from analysis.tables.interval import number
from analysis.tables.sheet import Sheet
from analysis.theory import sparse_codes as theory
from study.catalog.sparse_codes.groups import COPIES, ONE, TIE, Group, by_penalty, groups, sheet
from study.catalog.sparse_codes.second_stage import sampled, sheet_of_samples
from study.catalog.sparse_codes.table import sparse_codes

SOURCE, DERIVED = "Dai, Wenliang & Wipf (2021)", "derived; see analysis.theory.sparse_codes"

COMPLETE = 0.01
"""Largest NRE at which noise-free data count as reconstructed."""

OF_ENERGY, OF_NORM = 0.05, 0.01
"""Relative tolerances on energies and on the nuclear norm."""

LOGARITHMS = ("log", "log plus")


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
    return [*found, *_learned(view), *sampled(view)]


@sparse_codes.sheets
def sheets(view: View) -> list[Sheet]:
    """Codes that are used, penalty by penalty, beside theory for linear data."""
    return [sheet(view), *sheet_of_samples(view)]


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
            "where copies cost more, but the penalty is flat at the codes' size, more codes are kept than its minimum has",
            DERIVED,
            flat,
            more=True,
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
        found.append(_bounded(where, of))
    return found


def _named(of: list[Group], *names: str) -> list[Group]:
    return [group for group in of if group.h in names]


def _claim(
    where: str, said: str, source: str, of: list[Group], compared: list[Comparison], statements: Sequence[str] = ()
) -> Claim:
    missing = [group.label for group in of if not group.is_complete]
    lacks = "no trial has a result" if not of else f"trials under {missing[0]} have no result" if missing else ""
    counted = by_penalty(of)
    return Claim(
        where,
        said,
        source,
        measured="; ".join([*map(str, compared), counted]) if of else "",
        trials=sum(map(len, of)),
        comparisons=compared,
        lacks=lacks,
        statements=statements,
    )


def _share(of: list[Group], more: bool) -> Estimate:
    """How many autoencoders use exactly the needed number of codes, or `more`."""
    agree = [n > group.r if more else n == group.r for group in of for n in group.used]
    return share_of(sum(agree), len(agree))


def _counts(
    where: str, said: str, source: str, of: list[Group], more: bool = False, statements: Sequence[str] = ()
) -> Claim:
    """Whether these penalties leave exactly the needed number of codes, or `more` than that."""
    number_of = f"{'more than ' if more else ''}{of[0].r if of else 'r'} codes are used"
    return _claim(where, said, source, of, [Comparison(number_of, _share(of, more), most())], statements)


def _norm(where: str, of: list[Group]) -> Claim:
    expected = [theory.nuclear_norm(group.spectrum, group.gamma, group.weight) for group in of]
    errors = [norm / e - 1 for group, e in zip(of, expected, strict=True) for norm in group.norms]
    unneeded = [n - group.r for group in of for n in group.used]
    return _claim(
        where,
        f"under √u copies cost the same: Σ √u is the nuclear norm {', '.join(number(e, 4) for e in expected)}, with more "
        "codes than are needed",
        DERIVED,
        of,
        [
            Comparison("relative error of Σ √u", mean_of(errors), within(OF_NORM, 0)),
            Comparison("codes beyond r", mean_count_of(unneeded), above(0.0)),
        ],
    )


def _energies(where: str, said: str, of: list[Group]) -> Claim:
    expected = "; ".join(f"{group.label}: {', '.join(number(e) for e in group.expected[:3])}" for group in of)
    compared = [
        Comparison(f"relative error of an energy, {group.label}", mean_of(group.energy_errors()), at_most(OF_ENERGY))
        for group in of
    ]
    return _claim(where, f"{said}: {expected}" if expected else said, DERIVED, of, compared)


def _reconstructs(where: str, of: list[Group]) -> Claim:
    logs = _named(of, *LOGARITHMS)
    return _claim(
        where,
        "log u and log(u + δ) leave exactly the needed codes, and these reconstruct the data",
        f"{SOURCE}, Thm. 4",
        logs,
        [
            Comparison(f"{logs[0].r if logs else 'r'} codes are used", _share(logs, more=False), most()),
            *(Comparison(f"NRE, {group.label}", mean_of(group.nre), at_most(COMPLETE)) for group in logs),
        ],
        ["D19"],
    )


def _bounded(where: str, of: list[Group]) -> Claim:
    """What Thm. 4 does not say: that a bounded slope fails on all data, or that an unbounded one never does."""
    bounded = _named(of, "log plus")
    unbounded = _named(of, "root")
    return _claim(
        where,
        "an unbounded slope in u is not enough (√u), and on data that are not folded not needed (log(u + δ))",
        f"{SOURCE}, Thm. 4: necessary where any data are allowed",
        [*bounded, *unbounded],
        [
            *(Comparison(f"codes beyond r under {group.label}", _beyond(group), at_most(1)) for group in bounded),
            *(Comparison(f"codes beyond r under {group.label}", _beyond(group), above(0.0)) for group in unbounded),
        ],
    )


def _beyond(group: Group) -> Estimate:
    return mean_count_of([n - group.r for n in group.used])


def _late(where: str, of: list[Group]) -> Claim:
    logs = _named(of, *LOGARITHMS)
    fewer = [n < group.r for group in logs for n in group.used]
    return _claim(
        f"{where} from 1",
        "a logarithm keeps no mode with λ < 4γ: if γ starts large, needed codes are lost before it has fallen",
        DERIVED,
        logs,
        [Comparison("fewer than the needed codes are used", share_of(sum(fewer), len(fewer)), most())],
    )


def _learned(view: View) -> list[Claim]:
    """A learned γ, which makes g a logarithm, against a fixed one, at the same number of codes."""
    found = groups(view)
    claims = []
    for data in dict.fromkeys(data for data, _ in found):
        logs = [g for (other, _), of in found.items() if other == data for g in _named(of, *LOGARITHMS)]
        fixed = [group for group in logs if group.is_fixed]
        learned = [group for group in logs if not (group.is_fixed or group.is_late)]
        pairs = [(f, g) for g in learned for f in fixed if f.label == g.label]
        if not pairs:
            continue
        claims.append(
            _claim(
                data,
                "with the same number of codes, a learned γ (g = log) reconstructs better than a fixed one (g linear)",
                f"{SOURCE}, Lemma 3",
                [*fixed, *learned],
                [
                    Comparison(
                        f"NRE learned less NRE fixed, {g.label}",
                        mean_of(a - b for a, b in zip(g.nre, f.nre, strict=False)),
                        below(0.0),
                    )
                    for f, g in pairs
                ],
                ["D17"],
            )
        )
    return claims
