"""What a pack asks of an object store: requests counted, of packs whose training is left out.

    python -m benchmarks.requests [--packs 64] [--out FOLDER]

Packs of 64 made-up trials (`benchmarks/training_stub.py`) are handed over, opened, committed and removed in a store in
memory, whose every call is counted: a listing counts once, however many pages of a thousand names a real store would send.
One process stands for the driver and its one worker; a worker that comes later, or one of many, also reads each part that
the others have committed, once.
"""

import argparse
from collections import Counter
from typing import Any

from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.scale import PACK, table
from benchmarks.training_stub import install
from study.pack.cost import CPU_CORE
from study.pack.handover import hand_over
from study.pack.pack import make_packs
from study.plan.plan import make_plan
from study.record import Home, stored_ids
from study.record.read import _ids_of_part
from study.run.worker import Worker

KINDS = {"open_output_stream": "PUT", "open_input_file": "GET", "delete_file": "DELETE"}


class Counted:
    """A file system that counts its requests."""

    def __init__(self, files: Any) -> None:
        self._files, self.counts = files, Counter[str]()

    def get_file_info(self, what: Any) -> Any:
        """Count a request for one file or for a listing."""
        self.counts["HEAD" if isinstance(what, str) else "LIST"] += 1
        return self._files.get_file_info(what)

    def __getattr__(self, name: str) -> Any:
        if name in KINDS:
            self.counts[KINDS[name]] += 1
        return getattr(self._files, name)


def main() -> None:
    """Count the requests of a pack, and print them."""
    options = _options()
    home = Home("memory://benchmark-requests")
    files = home._files = Counted(home._files)
    plan = make_plan(table(PACK * options.packs // 20 * 20), "laptop", home)
    packs = make_packs(plan.missing, plan.attempts, PACK, 2, CPU_CORE)
    files.counts.clear()
    install()
    with hand_over(home, packs, print):
        for pack in packs:
            actor = Worker(home.uri, pack.pack_id, "cpu")
            actor._home = home  # whose calls are counted
            while not actor.step().get("done"):
                pass
    a_pack = {kind: count / len(packs) for kind, count in sorted(files.counts.items())}
    files.counts.clear()
    _ids_of_part.cache_clear()
    stored_ids(home)
    late = {kind: count / len(packs) for kind, count in sorted(files.counts.items())}
    print(f"{len(packs)} packs; requests a pack: " + ", ".join(f"{n:.2f} {kind}" for kind, n in a_pack.items()))
    print(
        "of a process that comes later, once: " + ", ".join(f"{n:.2f} {kind}" for kind, n in late.items()) + " a pack"
    )
    write_numbers(options.out, "requests", {"packs": len(packs), "a_pack": a_pack, "late": late})


def _options() -> argparse.Namespace:
    parser = parser_of("requests", __doc__)
    parser.add_argument("--packs", type=int, default=64, metavar="N")
    add_out(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
