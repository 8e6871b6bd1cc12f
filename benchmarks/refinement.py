"""What refinement saves: β trained until every collapse of a linear VAE is known to ± 2 %, against an even grid as fine.

    python -m benchmarks.refinement [--width 0.02] [--out FOLDER]

A real sweep: `linear_collapse` with κ = 12 and a learned Σ, from six β, trained without Ray in this process. The even grid is
counted and not trained: equal ratios over the same range, each as narrow as a refined bracket.
"""

import argparse
import math
import sys
import tempfile
from dataclasses import dataclass

from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from models.data.load import prepare
from study.catalog.linear_collapse import table as catalog
from study.declare.table import study
from study.declare.trial import Trial
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.plan.plan import Plan, make_plan, replan
from study.record import Home
from study.train.pack_run import PackRun

START = catalog.sweep(6)
GOAL = 0.25


@dataclass(frozen=True)
class Found:
    """β and rounds that a sweep took, and the β of the even grid."""

    betas: int
    rounds: int
    even: int


@study(beta=START, seed=range(3))
def coarse(beta: float, seed: int) -> Trial | None:
    """At which β is each mode lost?"""
    return catalog.trial("learned Σ", 12, beta, seed, START)


def main() -> None:
    """Refine, print, and exit with status 1 where the goal is missed."""
    options = _options()
    facts = machine()
    print(sentence(facts), flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        found = _refine(Home(folder), options.width)
    share = found.betas / found.even
    print(f"{found.betas} β in {found.rounds} rounds, an even grid of the same precision {found.even}: {share:.0%}")
    numbers = {"betas": found.betas, "rounds": found.rounds, "even": found.even, "width": options.width}
    write_numbers(options.out, "refinement", {"machine": facts, "load": load_average(), **numbers})
    print(f"goal {'met' if share <= GOAL else 'missed'} (at most {GOAL:.0%})")
    sys.exit(share > GOAL)


def _refine(home: Home, width: float) -> Found:
    """The sweep, trained until nothing is asked for."""
    plan, rounds = make_plan(coarse, "laptop", home, refine=width), 0
    while plan.ready:
        _train(plan, home)
        plan, rounds = replan(plan, home), rounds + 1
    allowed = (1 + width) / (1 - width)
    even = 1 + math.ceil(math.log(max(START) / min(START)) / math.log(allowed))
    return Found(len({row.axes["beta"] for row in plan.declared}), rounds, even)


def _train(plan: Plan, home: Home) -> None:
    for pack in make_packs(plan.ready, plan.attempts, None, 1, CPU_CORE):
        for spec in pack.trials[0].datasets:
            prepare(spec)
        run = PackRun(pack, "cpu", home)
        while not run.done:
            run.advance(10.0)
        run.commit(home, lambda _: False)


def _options() -> argparse.Namespace:
    parser = parser_of("refinement", __doc__)
    parser.add_argument("--width", type=float, default=0.02, help="half a bracket's relative width")
    add_out(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
