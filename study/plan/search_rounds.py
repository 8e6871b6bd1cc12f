"""The rounds of a search: the rows that its samplers ask for once the rows before have results."""

from collections.abc import Sequence
from functools import partial
from itertools import product

from study.declare.search import SearchTable
from study.declare.table import Row
from study.record import Home, read


class SearchRounds:
    """All searches of a table, each as far as the results in the home let it go."""

    def __init__(self, table: SearchTable) -> None:
        from study.plan.optuna_search import OptunaSearch  # imports Optuna, which nothing else needs

        self._columns = ["trial_id", "status", *table.settings.minimise]
        self._searches = [
            OptunaSearch(table.settings, table.space, sampler, repeat, partial(table.row, sampler, repeat))
            for sampler, repeat in product(table.settings.samplers, range(table.settings.repeats))
        ]

    def more(self, rows: Sequence[Row], home: Home) -> list[Row]:
        """The next round of every search whose own rows all have results."""
        results = {row["trial_id"]: row for row in read(home, "trials", self._columns).to_pylist()}
        there = {row.trial.trial_id for row in rows}
        found: dict[str, Row] = {}
        for row in (row for search in self._searches for row in search.more(results)):
            if row.trial.trial_id not in there:  # a child of the genetic algorithm may equal a parent: one trial
                found.setdefault(row.trial.trial_id, row)
        return list(found.values())
