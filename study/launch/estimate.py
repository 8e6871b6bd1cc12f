"""How long a launch will take, before anything has been measured: its training, and what it takes beside.

The seconds beside training were measured on one core, with the 18 trials of docs/first_study.md: importing torch, measuring a
trained pack, MLflow's database and runs, tables and charts. That Ray starts in ten seconds is a round number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from study.declare.trial import Trial
from study.pack.cost import CPU_CORE, seconds
from study.pack.pack import Pack, make_packs
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import Plan

START_S, START_OF_RAY_S = 2.0, 10.0
"""Until this process can train, and until Ray's workers can."""

MEASURING_S = 0.6
"""Measuring a trained pack and committing its records, on one core."""

MIRROR_S = 3.0
"""MLflow, as far as it is not done beside the training."""

REPORT_S = 4.5
"""The report of a study without figures of its own."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of one CPU core for the packs of a launch that can train now, and what each study's later rounds cost."""

    packs: Sequence[Pack]
    training: float
    later: float
    """Seconds of training in later rounds of searches, if these trials cost what those of this round do."""
    beside: float
    """Seconds to start, and to show and report everything, however many cores there are."""

    @classmethod
    def of(cls, plan: LaunchPlan, packs: Sequence[Pack], in_process: bool, mirrored: bool) -> "Estimate":
        """Of these packs, which hold what the plan misses."""
        start = START_S if in_process else START_OF_RAY_S
        return cls(
            packs=packs,
            training=sum(seconds(pack.trials, CPU_CORE) for pack in packs),
            later=sum(map(_later, plan.plans)),
            beside=(start if packs else 0.0) + REPORT_S * len(plan.plans) + MIRROR_S * mirrored,
        )

    def on(self, cores: int) -> float:
        """Seconds from the launch to the last line of its report, on so many cores; of a search, this round's."""
        return self.beside + (self.training + MEASURING_S * len(self.packs)) / min(cores, max(1, len(self.packs)))


def _later(plan: Plan) -> float:
    """Seconds of one CPU core that a search's later rounds train; none where `only` leaves open how many trials come."""
    trials = [trial for trial in plan.missing if isinstance(trial, Trial)]
    if plan.only or not trials or not plan.remaining:
        return 0.0
    now = sum(seconds(pack.trials, CPU_CORE) for pack in make_packs(trials, {}, None, 1, CPU_CORE))
    steps = sum(trial.training.steps for trial in trials)
    mean = steps / len(trials)
    return now / steps * sum(count * (rung or mean) for rung, count in plan.remaining.items())
