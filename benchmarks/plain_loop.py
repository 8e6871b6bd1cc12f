"""One trial in the loop that everybody writes: one `nn.Module`, `torch.optim.Adam`, one thread. No vmap, no pack.

The same trial as in a pack: initial weights, minibatches, noise, objective and learning rates are the trial's own, and
the test set is measured with the same draws, so the numbers of both ways can be compared.
"""

from typing import Any

import torch
from torch import Tensor

from benchmarks.step_timer import StepTimer
from models.data.load import load
from models.loss.objective import latent_rates, misfit, objective, squared_error
from models.networks.build import build
from models.specs import Annealed, Fixed, Learned, Optimal, PerImage, PerPixel, Refit
from models.streams import minibatches, noise, stream
from study.declare.trial import Trial

ROWS_A_DRAW = 128
"""The records' noise is drawn in blocks of so many rows."""


class PlainLoop(StepTimer):
    """A trial in training."""

    def __init__(self, trial: Trial, device: str = "cpu") -> None:
        super().__init__(trial.training)
        data, settings, gamma = load(trial.data), trial.training, trial.objective.gamma
        self.trial, self._d = trial, data.d
        self._train, self._test = (torch.from_numpy(part).to(device) for part in (data.train, data.test))
        self._network: Any = build(trial.model, trial, trial.seed).to(device)
        parameters = list(self._network.parameters())
        self.log_gamma: Tensor | None = None
        if isinstance(gamma, Learned):
            self.log_gamma = torch.tensor(gamma.init, device=device).log().requires_grad_()
            parameters.append(self.log_gamma)
        self._optimiser = torch.optim.Adam(parameters, lr=settings.lr)
        self._order = minibatches(trial.seed, len(self._train), settings.batch)
        self._noise = noise(trial.seed, min(settings.batch, len(self._train)), trial.model.kappa, torch.float32)

    def weights(self) -> list[Tensor]:
        """The network's parameters, in their order."""
        return list(self._network.parameters())

    def _take_step(self) -> None:
        self._optimiser.param_groups[0]["lr"] = self._settings.lr * self._decay()
        x = self._train[next(self._order).to(self._train.device)]
        mu, log_var = self._network.encode(x)
        z = mu + (0.5 * log_var).exp() * next(self._noise).to(x.device)
        rate = latent_rates(mu, log_var).sum(-1).mean()
        loss = objective(self._nats(x, self._network.decode(z)), rate, self.trial.objective.beta)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()

    def _nats(self, x: Tensor, out: Tensor) -> Tensor:
        """What J counts of −log p(x|z): with one γ, with one a value (the other half of the outputs), or one an example."""
        match self.trial.objective.gamma:
            case PerPixel(floor=floor):
                error, gamma = (x - out[:, : self._d]).square(), floor + out[:, self._d :].exp()
                return misfit(error, gamma, 1).sum(-1).mean()
            case PerImage(floor=floor):
                error = squared_error(x, out)
                return misfit(error, (error / self._d).clamp(min=floor), self._d).mean()
            case _:
                distortion = squared_error(x, out).mean()
                return misfit(distortion, self._gamma(distortion), self._d)

    def _gamma(self, distortion: Tensor) -> Tensor:
        match self.trial.objective.gamma:
            case Fixed(value=value):
                return distortion.new_tensor(value)
            case Learned():
                assert self.log_gamma is not None
                return self.log_gamma.exp()
            case Optimal():
                return distortion.detach() / self._d
            case Annealed(start=start, end=end, over=over):
                progress = min(1.0, self.step / self.trial.training.steps / over)
                return distortion.new_tensor(start * (end / start) ** progress)
            case Refit():
                raise ValueError("a refit is carried out as a fixed γ")
            case other:
                raise ValueError(f"the loop has no γ for {other.kind}")

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Distortion, rate and active latents on the test set."""
        x, generator = self._test, stream(self.trial.seed, "test")
        blocks = [
            torch.randn(ROWS_A_DRAW, self.trial.model.kappa, generator=generator) for _ in range(0, len(x), ROWS_A_DRAW)
        ]
        mu, log_var = self._network.encode(x)
        z = mu + (0.5 * log_var).exp() * torch.cat(blocks)[: len(x)].to(x.device)
        return {
            "distortion_test": float(squared_error(x, self._network.decode(z)[:, : self._d]).mean()),
            "rate_test": float(latent_rates(mu, log_var).sum(-1).mean()),
            "n_active": int((log_var.exp().mean(0) < 0.5).sum()),
        }
