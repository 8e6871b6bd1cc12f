"""κ × skip × seeds with a learned γ: how many latents stay active as more and more are offered?

On a noise-free manifold of dimension r, theory says min(κ, r). On images r is unknown, and the curve shows where it
saturates. On the manifold κ runs from below its dimension to far above it, on the digits from below their plateau to their
own 64 dimensions. A learned γ starts near T/d (1 on the manifold, 0.07 on the digits), where the VAE encodes nothing. On the
digits log γ takes larger steps than the network. At the network's own steps of 1e-3 it had not come to rest after 4,000, the
less so the more latents an affine skip adds to the first outputs: so γ, and the error with it, grew with κ.

The source's table has no plain decoder; the study adds one on the digits, and trains only that on the manifold. On MNIST one
κ, far above what is used, shows how many principal components the active latents are worth.
"""

from models.specs import MNIST, VAE, Data, Digits, Learned, Objective, PlantedManifold, Skip, Training
from study.declare.table import study
from study.declare.trial import Trial

PICTURES = MNIST(n=10_000)

FEW, SEEDS = 3, 6
"""Seeds of a row, and of the two largest κ of the digits, whose counts of latents are compared."""


@study(
    data=[PlantedManifold(d=20, r=3), Digits(), PICTURES],
    skip=["none", "affine"],
    kappa=[1, 2, 3, 4, 10, 20, 32, 64],
    seed=range(SEEDS),
)
def kappa_saturation(data: Data, skip: Skip, kappa: int, seed: int) -> Trial | None:
    """With a learned γ, how many of κ latents stay active, and at what number do they saturate?"""
    if data == PICTURES:
        return _of_pictures(seed) if kappa == 64 and skip == "none" and seed < FEW else None
    digits = isinstance(data, Digits)
    if kappa not in ((10, 32, 64) if digits else (1, 2, 3, 4, 10, 20)) or (skip != "none" and not digits):
        return None
    if seed >= FEW and not (digits and kappa > 10):
        return None
    hidden = (128, 128) if digits else (64, 64)
    return Trial(
        data=data,
        model=VAE(kappa=kappa, encoder=hidden, decoder=hidden, skip=skip, log_var_scale=0.1, log_var_range=(-20, 5)),
        objective=Objective(gamma=Learned(init=0.07, lr=1e-2) if digits else Learned(init=1.0)),
        training=Training(steps=4000 if digits else 3000, batch=128, lr=3e-3),
        seed=seed,
    )


def _of_pictures(seed: int) -> Trial:
    """The trial that `gamma_star` has of MNIST with a learned γ, declared again: it is trained once for both."""
    return Trial(
        data=PICTURES,
        model=VAE(kappa=64, encoder=(128, 128), decoder=(128, 128), log_var_scale=0.1, log_var_range=(-20, 5)),
        objective=Objective(gamma=Learned(init=1.0, lr=1e-2)),
        training=Training(steps=6000, batch=128, lr=2e-3),
        seed=seed,
    )


@kappa_saturation.paper(data=[MNIST()], skip=["residual", "none"], kappa=[50, 100, 200, 400, 784], seed=range(5))
def kappa_saturation_paper(data: Data, skip: Skip, kappa: int, seed: int) -> Trial:
    """The same question on MNIST: an encoder of 6 layers, a decoder of 3 residual blocks of 2 layers, 60 epochs.

    The last layer of the decoder starts at a tenth of its usual scale. At full scale R starts at 450 or more, while a
    collapsed VAE has 53: the first steps teach the decoder to ignore z, and every latent collapses for good.
    """
    return Trial(
        data=data,
        model=VAE(
            kappa=kappa,
            encoder=(256,) * 6,
            decoder=(256,) * 6,
            skip=skip,
            output_scale=0.1,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=Learned(init=0.07)),
        training=Training(steps=14_000, batch=256, lr=1e-3),
        seed=seed,
    )
