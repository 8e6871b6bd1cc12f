"""The curves of a training: what a few dozen of its steps showed."""

import torch
from jaxtyping import Shaped
from torch import Tensor

from study.train.stack.resumable import State
from study.train.step.outcome import Outcome

POINTS = 40
PREFIX = "curves"
"""What the names of curves begin with in the state of a training."""

Point = dict[str, Shaped[Tensor, " pack"]]


class Curves:
    """Points (step, numbers of each trial by name) of a training of `steps` steps, as far as it has come."""

    def __init__(self, steps: int) -> None:
        self._due = logged_steps(steps)
        self.points: list[tuple[int, Point]] = []

    def is_due(self, step: int) -> bool:
        """Whether a step is logged."""
        return step in self._due

    def log(self, step: int, outcome: Outcome) -> None:
        """Note what a step's pass showed of its trials."""
        latents = outcome.latents
        assert latents is not None
        point = {
            "distortion": outcome.distortion,
            "objective": outcome.objective,
            "gamma": outcome.gamma,
            "grad_z": latents.grad_z,
            "grad_norm": outcome.norm,
        }
        if latents.n_active is not None:
            point |= {"rate": outcome.rate, "n_active": latents.n_active}
        self.points.append((step, point))

    def spread(self) -> dict[str, float]:
        """Least, median and greatest over the pack's trials of what the last point shows."""
        values = self.points[-1][1] if self.points else {}
        spread = {}
        for name in ("objective", "gamma", "n_active"):
            if name in values and len(finite := values[name][values[name].isfinite()].double()):
                middle = torch.tensor([0, 0.5, 1], dtype=torch.double, device=finite.device)
                numbers = torch.quantile(finite, middle).tolist()
                spread |= {f"{name}_{part}": n for part, n in zip(("min", "median", "max"), numbers, strict=True)}
        return spread

    def state(self) -> State:
        """The curves by name, (points, pack) each, and the steps of their points."""
        names = self.points[0][1] if self.points else ()
        stacked = {f"{PREFIX}.{name}": torch.stack([values[name] for _, values in self.points]) for name in names}
        return stacked | {f"{PREFIX}.step": torch.tensor([step for step, _ in self.points])}

    def go_to(self, state: State, device: torch.device) -> None:
        """Go on from a `state`, its names without their prefix."""
        curves = {name: values.to(device) for name, values in state.items()}
        steps = curves.pop("step").tolist()
        self.points = [(step, {name: values[i] for name, values in curves.items()}) for i, step in enumerate(steps)]


def logged_steps(steps: int) -> frozenset[int]:
    """About `POINTS` steps, denser at the start, the first and the last among them."""
    last = steps - 1
    return frozenset(round(last * (i / (POINTS - 1)) ** 2) for i in range(POINTS))
