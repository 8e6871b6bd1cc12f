"""The kernels of torch.optim that move many tensors in one call. They have no other names than these, and torch.optim itself
checks and groups its tensors anew at every step, which takes longer than a small network's whole step.

`tests/train/test_torch_training.py` holds what is made of them against torch.optim.
"""

from typing import Any

from torch import Tensor
from torch import _foreach_addcmul_ as add_products_  # pyright: ignore[reportPrivateImportUsage]
from torch import _foreach_mul_ as multiply_  # pyright: ignore[reportPrivateImportUsage]
from torch import _fused_adam_ as _adam  # pyright: ignore[reportPrivateImportUsage]

__all__ = ["adam_", "add_products_", "multiply_"]


def adam_(
    numbers: Tensor, gradient: Tensor, moments: tuple[Tensor, Tensor], steps: Tensor, lr: float, **settings: float
) -> None:
    """One step of Adam in place; `settings` are beta1, beta2 and eps, and `steps` counts this one."""
    first, second = ([moment] for moment in moments)
    rest: Any = {"weight_decay": 0.0, "amsgrad": False, "maximize": False} | settings
    _adam([numbers], [gradient], first, second, [], [steps], lr=lr, **rest)
