"""The networks that are measured, and the data that they train on where files or scikit-learn are absent."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from benchmarks import convolutions, core
from benchmarks.networks import BETAS, GAMMAS, NETWORKS, Network
from models.data.load import load
from models.data_folders import DataError
from models.specs import MNIST, Gamma, ImageVAE, OwnData
from study.declare.trial import Trial

NAMES = ("digits", "mnist", "planted", "5-8-5", "28-middle", "8-middle")
"""The most telling first."""


@dataclass(frozen=True)
class Measured:
    """A network, a sentence about it, and what its data are."""

    name: str
    network: Network
    about: str
    data: str


def is_convolutional(name: str) -> bool:
    """Whether a network is one of `benchmarks.convolutions`."""
    return name in convolutions.NETWORKS


def random_rows(rows: int, test_rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows of uniform noise."""
    rng = np.random.default_rng(0)
    return rng.random((rows, width), dtype=np.float32), rng.random((test_rows, width), dtype=np.float32)


@cache
def measured(name: str) -> Measured:
    """A network by name, with data that can be had here."""
    network = (convolutions.NETWORKS if is_convolutional(name) else NETWORKS)[name]
    network, data = with_data(network)
    about = convolutions.describe if isinstance(network.model, ImageVAE) else core.describe
    return Measured(name, network, about(network), data)


def with_data(network: Network) -> tuple[Network, str]:
    """The network on its own data, or on seeded random rows of their shape; and which, in words."""
    data = network.data
    if not (why := _absence(network)):
        return network, data.label
    rows, test_rows, width = data.n_train, data.n_train // 6, data.d
    noise = OwnData.of(random_rows, d=width, n=rows, rows=rows, test_rows=test_rows, width=width)
    return replace(
        network, data=noise
    ), f"{rows:,} seeded random rows of {width} numbers in place of {data.label}: {why}"


def _absence(network: Network) -> str | None:
    """Why the network's own data cannot be had here; a benchmark downloads nothing."""
    if isinstance(network.data, MNIST) and not os.environ.get("COLLAPSAR_DATA"):
        return "COLLAPSAR_DATA names no folder that holds MNIST"
    try:
        load(network.data)
    except (DataError, ImportError) as fault:
        return str(fault)
    return None


def of_length(network: Network, steps: int) -> Network:
    """The same network, trained for so many steps."""
    return replace(network, training=network.training.model_copy(update={"steps": steps}))


def varied(network: Network, n: int, gammas: Sequence[Gamma] = GAMMAS) -> list[Trial]:
    """`n` trials of which neighbours differ in γ mode, then in seed (of four), then in β."""
    each = len(gammas)
    places = [(i % each, i // each % 4, i // each // 4) for i in range(n)]
    return [
        network.trial(gammas[mode], BETAS[b % len(BETAS)], seed + 4 * (b // len(BETAS))) for mode, seed, b in places
    ]
