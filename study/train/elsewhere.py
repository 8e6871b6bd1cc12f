"""A user's network as another process builds it, where sets have another order and texts other hashes.

That takes seconds, so it is tried only with networks whose source has something to do with either.
"""

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from models.networks.build import build
from models.networks.module_contents import contents
from models.networks.own import OwnNetwork
from models.networks.own_outputs import NetworkError
from study.declare.trial import Trial

_TELLING = frozenset(["set", "frozenset", "hash", "id", "getpid", "getppid", "gethostname", "node", "get_ident"])
"""Names of what differs between processes, or hosts."""

ROWS = 4
TOLERANCE = 1e-4
SECONDS = 300


def differs_elsewhere(trial: Trial, network: OwnNetwork) -> bool:
    """Whether another process builds another network. Raises: NetworkError where it cannot build it."""
    if not any(map(_may_differ, [trial.model.source, *trial.model.modules.values()])):  # pyright: ignore[reportAttributeAccessIssue]
        return False
    here, there = seen_of(trial, network), _seen_elsewhere(trial)
    if here["contents"] != there["contents"]:
        return True
    ours, theirs = (torch.tensor(each["numbers"]) for each in (here, there))
    return not torch.allclose(ours, theirs, TOLERANCE, TOLERANCE, equal_nan=True)


def seen_of(trial: Trial, network: OwnNetwork) -> dict[str, Any]:
    """What a network holds, and what it makes of a few rows, as two processes can compare it."""
    parts = contents(network.network, network.maker).items()
    digests = {name: hashlib.sha256(repr(part).encode()).hexdigest() for name, part in parts}
    generator = torch.Generator().manual_seed(0)
    x, z = (torch.randn(ROWS, n, generator=generator, dtype=network._dtype) for n in (trial.d_in, trial.model.kappa))
    with torch.no_grad():
        results = [*network.eval().encode(x), network.decode(z)]
    network.train()
    return {"contents": digests, "numbers": torch.cat([each.double().reshape(-1) for each in results]).tolist()}


def _may_differ(source: str) -> bool:
    def is_telling(node: ast.AST) -> bool:
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                return name in _TELLING
        return False

    return any(map(is_telling, ast.walk(ast.parse(source))))


def _seen_elsewhere(trial: Trial) -> dict[str, Any]:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        input=trial.model_dump_json(),
        env={
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise NetworkError(f"{trial.model.label.split()[0]} cannot be built in another process ({said[:240]}): fix it")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print what the network of the trial on the standard input holds and makes."""
    trial = Trial.model_validate_json(sys.stdin.read())
    network = build(trial.model, trial, trial.weights_seed, getattr(torch, trial.training.dtype))
    assert isinstance(network, OwnNetwork)
    print("\n" + json.dumps(seen_of(trial, network)))


if __name__ == "__main__":
    main()
