"""Decoders × seeds on images: which likelihood explains the images best, and which gives the best samples?

All decoders share encoder, latents and layers; only the likelihood differs: unit variance, with β to compensate; a variance
that is learned or in closed form, for all values, per pixel or per image, or an output of the decoder; Student's t; and
probabilities of the images' levels themselves. A Bernoulli decoder needs binary data, so the study compares it with Gaussian
decoders on black and white images. A learned log γ has its own learning rate, so that it converges in time. A variance per
pixel has a floor, width²/12, the variance of rounding to a level; without it, pixels that never change would drive it to 0.

The source compares Gaussian decoders by density, and so do the claims. They also compare −log P of levels, which every
likelihood has. By levels a learned variance may lose where most of them lie in an end bin and are narrow relative to the
noise, as in MNIST: `study.catalog.calibrated_decoders.claims` explains why, and by how many nats.

The study leaves out two parts of the source's table: the BAIR videos, and hierarchical VAEs. The source's variance per pixel
is an output of the decoder. Beside it stands a variance per pixel that is one trained vector for all images.

Source: Rybkin, Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders" (2021), table 1.
"""

from typing import Any

from models.specs import (
    CIFAR10,
    MNIST,
    SVHN,
    VAE,
    Bernoulli,
    Bitwise,
    Categorical,
    CelebA,
    DecodedPerPixel,
    Digits,
    Fixed,
    ImageVAE,
    Learned,
    LogisticMixture,
    Objective,
    Optimal,
    PerImage,
    PerPixel,
    StudentT,
    Training,
)
from study.declare.table import study
from study.declare.trial import Trial

Images = Digits | MNIST | CelebA | CIFAR10 | SVHN

LEARNED = Learned(init=0.1, lr=0.01)

UNIT, SHARED, OPTIMAL = "unit variance", "shared", "optimal"
PER_PIXEL, DECODED, PER_IMAGE = "per pixel", "per pixel, decoded", "per image"
BETAS = {"β = 0.1": 0.1, "β = 0.01": 0.01, "β = 0.001": 0.001}
STUDENT, BERNOULLI = "Student's t", "Bernoulli"
CATEGORICAL, BITWISE, MIXTURE = "categorical", "bitwise", "logistic mixture"

DECODERS: dict[str, Objective] = {
    UNIT: Objective(gamma=Fixed(1.0)),
    **{name: Objective(gamma=Fixed(1.0), beta=beta) for name, beta in BETAS.items()},
    SHARED: Objective(gamma=LEARNED),
    OPTIMAL: Objective(gamma=Optimal()),
    PER_PIXEL: Objective(gamma=PerPixel(init=0.1)),
    DECODED: Objective(gamma=DecodedPerPixel(init=0.1)),
    PER_IMAGE: Objective(gamma=PerImage()),
    STUDENT: Objective(gamma=LEARNED, likelihood=StudentT(freedom=4)),
    BERNOULLI: Objective(likelihood=Bernoulli()),
    CATEGORICAL: Objective(likelihood=Categorical()),
    BITWISE: Objective(likelihood=Bitwise()),
    MIXTURE: Objective(likelihood=LogisticMixture(components=3)),
}

ON_BINARY = (UNIT, SHARED, OPTIMAL, BERNOULLI)
"""Decoders of binary data; the first three are there for comparison with Bernoulli."""

ON_MNIST = (UNIT, SHARED, OPTIMAL)
"""Decoders that train on a twelfth of MNIST, at laptop scale."""


ALIKE = (SHARED, OPTIMAL)
"""Decoders that differ so little that it takes more seeds to tell them apart, at laptop scale on the digits."""


@study(data=[Digits(), Digits(binary=True), MNIST(n=5000)], decoder=list(DECODERS), seed=range(6))
def calibrated_decoders(data: Images, decoder: str, seed: int) -> Trial | None:
    """Does a decoder that learns its own noise explain images better, and give better samples, than one of unit variance?"""
    is_mnist = isinstance(data, MNIST)
    seeds = 6 if decoder in ALIKE and not is_mnist else 3
    if (is_mnist and decoder not in ON_MNIST) or seed >= seeds:
        return None
    hidden = (128, 128) if is_mnist else (64, 64)
    model = VAE(kappa=16, encoder=hidden, decoder=hidden, log_var_scale=0.1)
    training = Training(steps=800 if is_mnist else 2000, batch=128, lr=2e-3)
    return _trial(data, decoder, seed, model, training, samples=1000)


@calibrated_decoders.paper(
    data=[MNIST(), MNIST(binary=True), CelebA(size=64), CIFAR10(), SVHN()], decoder=list(DECODERS), seed=range(5)
)
def calibrated_decoders_paper(data: Images, decoder: str, seed: int) -> Trial | None:
    """The same question on MNIST, faces, photographs and house numbers, with convolutional networks and 50,000 steps."""
    channels = {28: (32, 64), 32: (64, 128, 256), 64: (32, 64, 128, 256)}[data.image[0]]
    style: Any = {"norm": "group", "activation": "gelu", "skip": "residual", "output_scale": 0.1, "log_var_scale": 0.1}
    model = ImageVAE(kappa=32 if data.image[0] == 28 else 128, channels=channels, **style)
    return _trial(data, decoder, seed, model, Training(steps=50_000, batch=64, lr=5e-4), samples=10_000)


def _trial(
    data: Images, decoder: str, seed: int, model: VAE | ImageVAE, training: Training, samples: int
) -> Trial | None:
    if (decoder not in ON_BINARY) if data.levels == 2 else decoder == BERNOULLI:
        return None
    objective = DECODERS[decoder]
    if isinstance(objective.gamma, PerPixel | DecodedPerPixel):
        floor = (data.levels - 1) ** -2 / 12
        objective = objective.model_copy(update={"gamma": objective.gamma.model_copy(update={"floor": floor})})
    return Trial(data=data, model=model, objective=objective, training=training, seed=seed, samples=samples, bits=True)
