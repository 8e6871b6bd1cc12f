"""From a declaration to its network, with the initial weights of its seed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, assert_never

import numpy as np
import torch
from torch import nn

from models.networks.beta_vae import BetaVAE
from models.networks.image_vae import ConvolutionalVAE
from models.networks.methods import Methods
from models.networks.own import OwnNetwork, build_own
from models.networks.vae import GaussianVAE
from models.seeds import stream_seed
from models.specs.gaussian import Shaped
from models.specs.network import VAE, ImageVAE, Model, Own


def build(spec: Model, data: Shaped, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The network of one trial on such data, with the initial weights of its seed, in numbers of `dtype`.

    Raises: ValueError where the data do not suit the network, or a user's own cannot be built.
    """
    spec.check(data)
    with seeded(stream_seed(seed, "weights")):
        match spec:
            case Own():
                return build_own(spec, data, dtype)
            case ImageVAE():
                return ConvolutionalVAE(spec, data.image or (), data.per_value).to(dtype)
            case VAE(sees_beta=True):
                return BetaVAE(spec, data.d_in, data.d, data.per_value).to(dtype)
            case VAE():
                return GaussianVAE(spec, data.d_in, data.d, data.per_value).to(dtype)
            case _:
                assert_never(spec)


def methods_of(network: Any) -> Methods:
    """The network as `torch.func.functional_call` needs it; one of the user's is so already."""
    return network if isinstance(network, OwnNetwork) else Methods(network)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The generators of torch, NumPy and Python start from a seed, and stand afterwards where they stood before.

    Meanwhile torch makes float32 numbers by default, as in a worker, whatever the user's own process has set.
    """
    of_numpy, of_python, dtype = np.random.get_state(), random.getstate(), torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.set_default_dtype(torch.float32)
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            np.random.set_state(of_numpy)
            random.setstate(of_python)
