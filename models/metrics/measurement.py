"""One measured number: a metric's value and what it is worth, as the evaluations table holds it."""

from dataclasses import asdict, dataclass, replace

from models.specs.metrics import version_of


@dataclass(frozen=True)
class Measurement:
    """A metric's value with its standard error over the sample, the sample's size and seed; draws per example, if any."""

    metric: str
    value: float
    standard_error: float
    sample_size: int
    seed: int
    draws: int | None = None

    def named(self, metric: str) -> "Measurement":
        """The same number under another name."""
        return replace(self, metric=metric)

    @property
    def row(self) -> dict[str, float | int | str]:
        """The columns of the evaluations table, less those that don't apply. Raises: ValueError for an undeclared metric."""
        columns = asdict(self) | {"version": version_of(self.metric)}
        return {column: value for column, value in columns.items() if value is not None}
