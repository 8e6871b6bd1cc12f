"""Whether declaration and seed settle a user's network: built again, for another seed, in another process, and called.

What differs where nothing may differ is refused by name, with the remedy. What else training alone shows,
`study.train.rehearsal` finds out.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from models.networks.build import build
from models.networks.module_contents import contents, differing
from models.networks.own import OwnNetwork, check_alike, tried
from models.networks.own_outputs import NetworkError
from study.declare.trial import Trial
from study.train.elsewhere import differs_elsewhere

OTHER_SEEDS = 3
"""Seeds beside the trial's own that its network is built from."""


def settled(trial: Trial, dtype: torch.dtype) -> OwnNetwork:
    """The network. Raises: NetworkError where declaration and seed do not settle it."""
    name = trial.model.label.split()[0]
    one, other = (_built(trial, trial.weights_seed, dtype) for _ in range(2))
    if loose := differing(contents(one.network, one.maker), contents(other.network, other.maker)):
        raise NetworkError(
            f"{name}.{loose[0]} is another one each time the network is built: draw it from torch's, NumPy's or Python's "
            "own generator, which the trial's seed sets"
        )
    check_alike([one, *(_built(trial, trial.weights_seed + more, dtype) for more in range(1, OTHER_SEEDS + 1))])
    if differs_elsewhere(trial, one):
        raise NetworkError(
            f"{name} is another network in another process: sort what it takes from a set, and use no hash() of text, "
            "no id() and nothing of the process"
        )
    return other


def check_calls(network: OwnNetwork, x: Float[Tensor, "n d_in"], z: Float[Tensor, "n kappa"], name: str) -> None:
    """Raises: NetworkError where a call leaves traces, or the same rows give other numbers."""
    buffers = {part for part, _ in network.network.named_buffers()}
    network.eval()
    with torch.no_grad():
        before = contents(network.network, network.maker)
        one, other = ([*tried(network, "encode", x), tried(network, "decode", z)] for _ in range(2))
        after = contents(network.network, network.maker)
    if changed := differing(before, after):
        raise NetworkError(
            _changed(name, changed[0], "in evaluation", "change buffers alone, and only in training mode")
        )
    for what, a, b in zip(("encode's mu", "encode's log_var", "decode"), one, other, strict=True):
        if not a.isfinite().all():
            raise NetworkError(f"{name}: {what} is not finite with its initial weights: start from smaller ones")
        if not torch.equal(a, b):
            raise NetworkError(
                f"{name}: {what} differs from call to call in evaluation: draw nothing there, z is drawn by the platform"
            )
    network.train()
    before = contents(network.network, network.maker)
    _check_gradients(network, x, z, name)
    changed = [each for each in differing(before, contents(network.network, network.maker)) if each not in buffers]
    if changed:
        raise NetworkError(
            _changed(
                name,
                changed[0],
                "in training",
                "make it a buffer with a value in __init__, which each trial has for itself",
            )
        )


def _check_gradients(network: OwnNetwork, x: Float[Tensor, "n d_in"], z: Float[Tensor, "n kappa"], name: str) -> None:
    """Raises: NetworkError where training would reach nothing of the encoder, or nothing of the decoder."""
    mu, log_var = tried(network, "encode", x)
    for part, results in (("encode", (mu, log_var)), ("decode", (tried(network, "decode", z.requires_grad_()),))):
        if not any(each.requires_grad for each in results):
            raise NetworkError(
                f"{name}: no gradient reaches {part}, so it cannot be trained: take out no_grad(), detach() or "
                "requires_grad=False"
            )


@torch.no_grad()
def check_row_counts(network: OwnNetwork, x: Float[Tensor, "n d_in"], z: Float[Tensor, "n kappa"], most: int) -> None:
    """Raises: NetworkError where a network cannot be called with one row, or with as many as are measured at once."""
    network.eval()
    for n in (1, most):
        for method, rows in (("encode", x), ("decode", z)):
            tried(network, method, rows.repeat(-(-n // len(rows)), 1)[:n])
    network.train()


def _built(trial: Trial, seed: int, dtype: torch.dtype) -> OwnNetwork:
    network = build(trial.model, trial, seed, dtype)
    assert isinstance(network, OwnNetwork)
    return network


def _changed(name: str, part: str, when: str, remedy: str) -> str:
    return f"{name}.{part} changes when encode or decode is called {when}, which no record would show: {remedy}, or drop it"
