"""The sentences of the sources that can be tested, by number: "W18" is the eighteenth of Wang & Ziyin (2022).

A number that is left out belongs to a definition, or to a sentence that says nothing to be tested.
"""

from analysis.claims.statements.calibrated_decoders import SLIDES
from analysis.claims.statements.infinite_gradients import EARLIER, PUBLISHED
from analysis.claims.statements.posterior_collapse import COLLAPSE
from analysis.claims.statements.regularization_balance import BALANCE
from analysis.claims.statements.statement import Source, Statement

SOURCES = (PUBLISHED, EARLIER, SLIDES, COLLAPSE, BALANCE)

STATEMENTS: dict[str, Statement] = {one.number: one for source in SOURCES for one in source.statements}

__all__ = ["SOURCES", "STATEMENTS", "Source", "Statement"]
