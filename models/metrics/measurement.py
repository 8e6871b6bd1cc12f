"""One measured number: a metric's value and what it is worth, as the evaluations table holds it."""

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Measured:
    """A metric's value with its standard error over the sample, the sample's size and seed.

    `version` counts the metric's definitions; `draws` are those per example, where a metric has any.
    """

    metric: str
    value: float
    standard_error: float
    sample_size: int
    seed: int
    version: int
    draws: int | None = None

    def named(self, metric: str) -> "Measured":
        """The same number under another name."""
        return replace(self, metric=metric)

    @property
    def row(self) -> dict[str, float | int | str]:
        """The columns of the evaluations table, less those that don't apply."""
        return {column: value for column, value in asdict(self).items() if value is not None}
