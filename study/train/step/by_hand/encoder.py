"""The encoder by hand: the moments of q(z|x), z itself, and the slopes of everything that they are made of."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs import VAE
from study.train.step.by_hand.layers import Chain, Elementwise, Parameters, Rows

_hardtanh_backward = torch.ops.aten.hardtanh_backward.grad_input


class Encoder:
    """x → μ, log σ² and z = μ + σ ε, in units of the prior's standard deviation, as `GaussianVAE.encode` has them.

    `is_random` is false where z = μ. Outside of `log_var_range` log σ² has no slope.
    """

    def __init__(self, model: VAE, parameters: Parameters, given: Float[Tensor, " kappa"] | None) -> None:
        """`given` is log σ² where it is given and stays."""
        self._chain = Chain(
            parameters, [f"encoder.{i}" for i in range(len(model.encoder))], Elementwise(model.activation)
        )
        self._range, self._prior = model.log_var_range, model.prior_std
        self.is_random = not model.is_deterministic
        self._mu = parameters.layer("mu")
        self._log_var = parameters.layer("log_var") if model.post_var == "amortised" else None
        self._shared = parameters.get("log_var")
        names = ("log_var, own", "log_var, encoded", "variance", "noise", "z", "mu, slope", "log_var, slope")
        memory = [parameters.memory(name, model.kappa) for name in names]
        own, shifted, self.variance, self.noise, self.z, self.mu_slope, self.log_var_slope = memory
        self.mu, self._own = self._mu.out, self._log_var.out if self._log_var else own
        self.log_var = shifted if self._prior != 1 else self._own
        self._given = given

    def forward(self, x: Rows, eps: Rows) -> None:
        """Fill `mu`, `log_var`, `variance`, `noise` = σ ε and `z`."""
        h = self._h = self._chain.forward(x)
        self._mu.forward(h)
        if self._prior != 1:
            self.mu.div_(self._prior)
        if self.is_random:
            self._fill_log_var(h)
            torch.exp(self.log_var, out=self.variance)
            torch.sqrt(self.variance, out=self.noise).mul_(eps)
            torch.add(self.mu, self.noise, out=self.z)
        else:
            self.log_var.fill_(-math.inf)
            self.z.copy_(self.mu)

    def _fill_log_var(self, h: Rows) -> None:
        if self._log_var:
            self._log_var.forward(h)
        else:
            value = self._shared.value if self._shared else self._given
            assert value is not None
            self._own.copy_(value.expand_as(self._own))
        if self._range:
            self._own.clamp_(*self._range)
        if self._prior != 1:
            torch.sub(self._own, 2 * math.log(self._prior), out=self.log_var)

    def backward(self) -> None:
        """From `mu_slope` and `log_var_slope`, those of the objective with z followed back to μ and log σ², to all slopes."""
        if self._prior != 1:
            self.mu_slope.div_(self._prior)
        self._mu.backward(self.mu_slope, self._h)
        if self._range:
            low, high = self._range
            _hardtanh_backward(self.log_var_slope, self._own, low, high, grad_input=self.log_var_slope)
        if self._shared:
            torch.sum(self.log_var_slope, 1, keepdim=True, out=self._shared.slope)
        if self._log_var:
            self._log_var.backward(self.log_var_slope, self._h)
        if self._chain.layers:
            self._mu.pull(self.mu_slope, self._chain.slope)
            if self._log_var:
                self._log_var.pull_onto(self.log_var_slope, self._chain.slope)
            self._chain.backward()
