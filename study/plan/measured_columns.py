"""What a study's header says of the columns that its probes and metrics fill."""

from collections.abc import Sequence

from models.specs.metrics import metrics_for, own_metrics
from study.declare.probe import Declared, Probe
from study.declare.trial import Trial


def measured_columns(declared: Sequence[Declared]) -> dict[str, object]:
    """Unit and meaning of what probes measure, and of the metrics of trials, and which of these the user measures."""
    return _of_probes(declared) | _of_trials([trial for trial in declared if isinstance(trial, Trial)])


def _of_probes(declared: Sequence[Declared]) -> dict[str, object]:
    """What the probes measure, where there are any, and whether trials are trained beside them."""
    probes = [probe for probe in declared if isinstance(probe, Probe)]
    if not probes:
        return {}
    measures = dict(item for probe in probes for item in probe.what.measures.items())
    return {"measures": measures, "trained": len(probes) < len(declared)}


def _of_trials(trials: Sequence[Trial]) -> dict[str, object]:
    found = metrics_for(trials)
    listed: dict[str, object] = (
        {"metrics": {name: [metric.unit, metric.meaning] for name, metric in found.items()}} if found else {}
    )
    own = list(dict.fromkeys(name for trial in trials for name, _ in own_metrics(trial)))
    return listed | ({"own_metrics": own} if own else {})
