"""What a user's `encode` and `decode` return, in the forms that VAE code is written in, as μ, log σ² and rows.

`encode` may return (mu, log_var), a mapping or an object with names for both (pythae's ModelOutput, a dataclass, a named
tuple), or a `torch.distributions.Normal`, also within an `Independent`. `decode` may return the mean, a mapping or an
object with a name for it, or such a distribution. A log variance cannot be told from a standard deviation by its looks:
without a name, the second tensor is taken for log σ².
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Num
from torch import Tensor
from torch.distributions import Independent, Normal

MEANS = ("mu", "mean", "loc", "embedding", "z_mean", "z_mu", "mu_z")
LOG_VARIANCES = (
    "log_var",
    "logvar",
    "log_variance",
    "log_covariance",
    "z_log_var",
    "z_logvar",
    "log_var_z",
    "logvar_z",
)
DEVIATIONS = ("std", "sigma", "scale", "stddev", "z_std")
DECODED = ("reconstruction", "recon", "recon_x", "x_recon", "x_hat", "x_mean", "mean", "loc", "mu")
"""Names by which a result is found, the first that is there."""

Values = Num[Tensor, "..."]
"""A tensor as the user's code returned it: its shape is checked afterwards."""


class NetworkError(ValueError):
    """A network of the user's cannot be trained as it is; the message says why, and what to do."""


class Method(NamedTuple):
    """A method as sentences name it, and what they ask for where it returned something else."""

    name: str
    remedy: str


def posterior(returned: Any, encode: Method) -> tuple[Values, Values]:
    """μ and log σ² of what `encode` returned. Raises: NetworkError where nothing says which is which."""
    if isinstance(returned, Independent):
        return posterior(returned.base_dist, encode)
    if isinstance(returned, Normal):
        return returned.loc, 2 * returned.scale.log()
    mu, log_var, std = (_named(returned, names) for names in (MEANS, LOG_VARIANCES, DEVIATIONS))
    if mu is not None and log_var is not None:
        return mu, log_var
    if mu is not None and std is not None:
        return mu, 2 * std.log()
    if isinstance(returned, tuple | list) and len(returned) == 2 and all(isinstance(each, Tensor) for each in returned):
        return returned[0], returned[1]
    raise NetworkError(
        f"{encode.name} returned {described(returned)}: {encode.remedy} (mu, log_var), a dict with these names, or a Normal"
    )


def decoded(returned: Any, decode: Method) -> Values:
    """The mean of x that `decode` returned. Raises: NetworkError where it is not to be found."""
    if isinstance(returned, Independent):
        return decoded(returned.base_dist, decode)
    if isinstance(returned, Normal):
        return returned.loc
    if isinstance(returned, tuple | list) and len(returned) == 1:
        return decoded(returned[0], decode)
    mean = returned if isinstance(returned, Tensor) else _named(returned, DECODED)
    if mean is not None:
        return mean
    raise NetworkError(
        f"{decode.name} returned {described(returned)}: {decode.remedy} the mean of x, a tensor with a row for each z"
    )


def rows(value: Values, n: int, width: tuple[int, str], what: str, image: tuple[int, ...] | None = None) -> Values:
    """A value as rows (n, width): axes of one entry are dropped, and pictures become rows as the data have them.

    `width` comes with its name. `image` is (height, width) or (height, width, 3); pictures may be (n, colours, height,
    width) or (n, *image). Raises: NetworkError for a value of another shape, or of integers.
    """
    numbers, name = width
    if not value.is_floating_point():
        raise NetworkError(f"{what} is of type {_plain(value.dtype)}: return real numbers, as in x.float()")
    if tuple(value.shape) == (n, numbers):
        return value
    found, *inner = tuple(value.shape) or (0,)
    if found == n and image and inner == [image[2] if len(image) == 3 else 1, *image[:2]]:
        return value.movedim(-3, -1).flatten(1)
    if found == n and (
        (image and inner == [*image]) or (len(inner) > 1 and [i for i in inner if i != 1] == [numbers][: numbers != 1])
    ):
        return value.flatten(1)
    raise NetworkError(
        f"{what} has shape {tuple(value.shape)} for {'1 row' if n == 1 else f'{n} rows'}: return {(n, numbers)}, "
        f"{name} = {numbers} numbers a row"
    )


def described(returned: Any) -> str:
    """What was returned, as a sentence says it."""
    match returned:
        case Tensor():
            return f"one tensor of shape {tuple(returned.shape)}"
        case Mapping():
            return f"a {type(returned).__name__} with {', '.join(map(str, returned)) or 'nothing in it'}"
        case str() | bytes() | None:
            return repr(returned)
        case Sequence():
            parts = [f"{tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__ for x in returned]
            return f"a {type(returned).__name__} of {len(parts)}: {', '.join(parts)}"
        case _:
            return f"a {type(returned).__name__}"


def _named(returned: Any, names: Sequence[str]) -> Values | None:
    """The first tensor that a mapping or an object holds under one of the names."""
    if isinstance(returned, Tensor):
        return None
    held = returned.get if isinstance(returned, Mapping) else lambda name: getattr(returned, name, None)
    return next((value for name in names if isinstance(value := held(name), Tensor)), None)


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
