"""What the columns of frames are in the records: their names there, in which unit they are, and what they mean."""

from collections.abc import Mapping
from typing import NamedTuple

from study.record import TABLES

FRAME_NAMES = {"gamma": "gamma_value"}
"""Columns of records that frames call otherwise: the axis `gamma` is a mode, so the measured variance has another name."""

METRIC_NAMES = {"mmd_imq": "mmd"}
"""Short column names of evaluations; a metric that is not listed keeps its own name."""

UNDECLARED = {
    "mmd_imq": ["-", "unbiased inverse-multiquadratic MMD² between q(z) and N(0, I); may be negative"],
    "iwae_nll": ["nats", "importance-weighted estimate of −log p(y) of test examples, all constants kept"],
    "sample_variance": ["data²", "tr Cov m(z), z ~ N(0, I): how far samples lie apart"],
}
"""Unit and meaning of metrics in homes of earlier versions, whose plans do not give them."""


class Recorded(NamedTuple):
    """A column of the records: its table and name there, its unit ("-" for none), and its meaning."""

    name: str
    unit: str
    meaning: str


def recorded(column: str, table: str = "trials") -> Recorded:
    """What a frame's column is in a table of the records."""
    name = _stored(column, FRAME_NAMES)
    metadata = TABLES[table].field(name).metadata
    return Recorded(f"{table}.{name}", metadata[b"unit"].decode(), metadata[b"meaning"].decode())


def evaluated(column: str, metrics: Mapping[str, list[str]]) -> Recorded:
    """What a frame's column is among the evaluations; `metrics` are those that the study's plan gives."""
    name = _stored(column, METRIC_NAMES)
    unit, meaning = {**UNDECLARED, **metrics}[name]
    return Recorded(f"evaluations.{name}", unit, meaning)


def _stored(column: str, names: Mapping[str, str]) -> str:
    return next((stored for stored, name in names.items() if name == column), column)
