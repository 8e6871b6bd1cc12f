"""Minimisation of one loss from many starts at once: BFGS, each start with a Hessian of its own."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

SUFFICIENT = 1e-4
"""The part of the fall that the slope promises which a step must bring (Armijo)."""

HALVINGS = 30

ROUNDING = 1e-14
"""A promised fall below this part of the loss is lost in rounding: the start has ended."""


Points = Float[Tensor, "starts n"]
Values = Float[Tensor, " starts"]
Matrices = Float[Tensor, "starts n n"]


class Ends(NamedTuple):
    """Where the starts ended: points, losses there, and the largest component of each gradient."""

    points: Points
    values: Values
    slopes: Values


Loss = Callable[[Points], Values]


def descend(loss: Loss, starts: Points, steps: int = 1000, tolerance: float = 1e-9) -> Ends:
    """Follow every start to a point whose gradient has no component above `tolerance`, or where no step goes down."""
    x, (value, slope) = starts.clone(), _both(loss, starts)
    inverse, fresh = _short(slope), torch.ones(len(x), dtype=torch.bool)
    going = slope.abs().amax(1) > tolerance
    for _ in range(steps):
        rows = going.nonzero()[:, 0]  # the last few starts take most of the steps
        if not len(rows):
            break
        here, down = x[rows], -(inverse[rows] @ slope[rows, :, None])[..., 0]
        promised = (down * slope[rows]).sum(1)
        length = _length(loss, here, value[rows], down, promised)
        moved = length[:, None] * down
        x[rows] = here + moved
        value[rows], new = _both(loss, x[rows])
        stuck = length == 0
        tells = promised.abs() > ROUNDING * (1 + value[rows].abs())
        going[rows] = ~(stuck & fresh[rows]) & tells & (new.abs().amax(1) > tolerance)
        inverse[rows] = _learnt(inverse[rows], moved, new - slope[rows])
        inverse[rows[stuck]] = _short(new)[stuck]  # what was learnt is no use: once more along the gradient itself
        fresh[rows], slope[rows] = stuck, new
    return Ends(x, value, slope.abs().amax(1))


def _both(loss: Loss, x: Points) -> tuple[Values, Points]:
    """Losses, and their gradients."""
    leaf = x.detach().requires_grad_()
    value = loss(leaf)
    (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope


def _eye(x: Points) -> Matrices:
    return torch.eye(x.shape[1], dtype=x.dtype).repeat(len(x), 1, 1)


def _short(slope: Points) -> Matrices:
    """A first guess of the inverse Hessian by which no step is longer than 1: far off, losses are flat."""
    return _eye(slope) / slope.norm(dim=1).clamp(min=1.0)[:, None, None]


def _length(loss: Loss, x: Points, value: Values, down: Points, promised: Values) -> Values:
    """The first of 1, ½, ¼, … that brings enough of the promised fall; 0 where none does, or none was promised."""
    length, found = torch.ones_like(value), torch.zeros_like(value, dtype=torch.bool)
    for _ in range(HALVINGS):
        with torch.no_grad():
            there = loss(x + length[:, None] * down)
        found |= (promised < 0) & (there <= value + SUFFICIENT * length * promised)
        if (found | (promised >= 0)).all():
            break
        length = torch.where(found, length, length / 2)
    return torch.where(found, length, 0.0)


def _learnt(inverse: Matrices, moved: Points, change: Points) -> Matrices:
    """The BFGS update of each inverse Hessian; none where the curvature along the step is not positive."""
    curvature = (moved * change).sum(1)
    use = curvature > 1e-14 * moved.norm(dim=1) * change.norm(dim=1)
    s, y, rho = moved[use], change[use], 1 / curvature[use, None, None]
    left = _eye(s) - rho * s[:, :, None] * y[:, None, :]
    learnt = inverse.clone()
    learnt[use] = left @ inverse[use] @ left.mT + rho * s[:, :, None] * s[:, None, :]
    return learnt
