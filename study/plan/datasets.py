"""The data sets that trials need: made ready once before training, and recorded with their digests."""

import json

from models.data.load import load, prepare
from models.data_folders import DataError
from models.specs import Data
from study.declare.identity import content_id
from study.plan.plan import Plan
from study.record import Home, read, write_part


def fetch_data(plan: Plan) -> None:
    """Fetch or generate every data set that the missing trials need, before the home is touched. Raises: DataError."""
    for spec in _needed(plan):
        prepare(spec)


def _needed(plan: Plan) -> list[Data]:
    return list({content_id(spec): spec for trial in plan.missing for spec in trial.datasets}.values())


def record_data(plan: Plan, home: Home) -> list[str]:
    """Record every data set that the missing trials need.

    Returns a sentence for each data set that comes out differently here than the home has recorded it. Raises: DataError,
    also where that is so of the user's own data.
    """
    known = {row["data_id"]: row for row in read(home, "datasets").to_pylist()}
    warnings = []
    for spec in _needed(plan):
        row = _dataset_row(spec)
        if (before := known.get(row["data_id"])) is None:
            write_part(home, "datasets", f"{row['data_id']}.parquet", [row])
        elif before["digest"] != row["digest"]:
            warnings.append(_difference(spec))
    return warnings


def _difference(spec: Data) -> str:
    """The sentence about data that come out differently here. Raises: DataError where they are the user's own."""
    if spec.is_own:
        raise DataError(
            f"{spec.label} returns other data than this home has recorded for the same declaration, so it reads "
            "what the declaration does not name: name it in files=[...] or as an option, or choose another --home"
        )
    return (
        f"{spec.label} is {'decoded' if spec.is_decoded else 'generated'} differently here than where this home began "
        "(their digests differ): results may differ in their last digits"
    )


def _dataset_row(spec: Data) -> dict[str, object]:
    data = load(spec)
    return {
        "data_id": content_id(spec),
        "data": spec.label,
        "declaration": json.dumps(spec.model_dump(mode="json")),
        "digest": data.digest,
        "d": data.d,
        "n_train": len(data.train),
        "n_test": len(data.test),
        "intrinsic_dim": spec.intrinsic_dim,
        "total_variance": data.total_variance,
        "total_variance_test": data.total_variance_test,
        "spectrum": data.spectrum.tolist() if data.has_spectrum else None,
    }
