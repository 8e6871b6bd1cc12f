"""First stage × method × seeds: does a second VAE on the latents of a first one give better samples?

On planted clusters the first stage is a VAE in data space: under-regularised by a small fixed γ, or balanced by a learned
one. On images it is a VAE in the code space of an unregularised autoencoder that all methods share. VAE+ trains a second VAE
on draws from the first one's aggregate posterior q(z); its samples then replace those of the prior. Its γ starts at 0.05: at
a first stage's optimum q(z) has unit moments, so at γ = 1, β = 1 nothing would drive the second stage to encode anything.
On images, WAE-MMD replaces the VAE by an autoencoder with a penalty on q(z).

As in the source, the first stage on images has as many latents as the autoencoder has codes, and z is fed to every layer of
its decoder. The source counts the first stage's error in the space of images, through the autoencoder's frozen decoder; here
a stage is trained on codes, in units in which their mean variance is one, and its error counted there.
"""

from typing import Any

from models.specs import (
    MMD,
    VAE,
    CelebA,
    Data,
    FashionMNIST,
    Fixed,
    ImageVAE,
    Learned,
    Objective,
    PlantedClusters,
    Skip,
    Training,
)
from study.declare.table import study
from study.declare.trial import Trial

PLAIN, ONE, PLUS, WAE = METHODS = "AE", "VAE", "VAE+", "WAE"
BALANCED, UNDER = "balanced", "under-regularised"
FIRST = {BALANCED: Learned(), UNDER: Fixed(1e-3)}
CODES = {"images": 32, "faces": 128}
"""Dimensions of an autoencoder's codes, and latents of every stage on them."""

SEEDS = {"images": 10, "clusters": 20}
"""On images methods are far apart. On clusters a second stage's MMD is near its null: to tell two apart takes more seeds."""

AUTOENCODER = Objective(gamma=Fixed(0.5), beta=0)
"""J = E‖x − x̂‖² plus a constant."""


@study(
    data=[PlantedClusters(d=20), FashionMNIST(n=10_000)],
    first=list(FIRST),
    method=METHODS,
    seed=range(max(SEEDS.values())),
)
def vaeplus(data: Data, first: str, method: str, seed: int) -> Trial | None:
    """Do samples of a second VAE on the first one's latents come closer to the data?"""
    images = not isinstance(data, PlantedClusters)
    if first != BALANCED and method not in (ONE, PLUS):  # the others have no γ
        return None
    if seed >= SEEDS["images" if images else "clusters"]:
        return None
    if not images and method not in (ONE, PLUS):  # no question there is about the others
        return None
    autoencoder = _autoencoder(data, seed) if images else None
    if method == PLAIN:
        return autoencoder
    return _generative(data, first, method, seed, autoencoder)


@vaeplus.paper(data=[FashionMNIST(), CelebA(size=128)], first=list(FIRST), method=METHODS, seed=range(5))
def vaeplus_paper(data: Data, first: str, method: str, seed: int) -> Trial | None:
    """The same question on all of Fashion-MNIST, and on faces: convolutional autoencoders of 128 dimensions."""
    return vaeplus.table("laptop").function(data, first, method, seed)


def _autoencoder(data: Data, seed: int) -> Trial:
    """An autoencoder without any regularisation."""
    if isinstance(data, CelebA):
        model = ImageVAE(
            kappa=CODES["faces"],
            channels=(32, 64, 128, 256, 256),
            norm="group",
            activation="gelu",
            skip="residual",
            output_scale=0.1,
            post_var="none",
        )
        training, samples = Training(steps=50_000, batch=64, lr=3e-4), 10_000
    else:
        model = VAE(
            kappa=CODES["images"], encoder=(256, 128), decoder=(128, 256), activation="relu", init="he", post_var="none"
        )
        training, samples = Training(steps=2000, batch=128, lr=1e-3), 2000
    return Trial(data=data, model=model, objective=AUTOENCODER, training=training, seed=seed, samples=samples)


def _training(faces: bool, wae: bool) -> Training:
    """WAE's penalty compares every two examples of a minibatch; its source has 100 in one."""
    if faces:
        return Training(steps=30_000, batch=256, lr=1e-3)
    return Training(steps=4000, batch=128 if wae else 256, lr=3e-3)


def _generative(data: Data, first: str, method: str, seed: int, autoencoder: Trial | None) -> Trial:
    wae, faces = method == WAE, isinstance(data, CelebA)
    sizes: Any = (
        {"kappa": CODES["faces"], "encoder": (512,) * 3, "decoder": (512,) * 3}
        if faces
        else {"kappa": CODES["images"] if autoencoder else 8}
    )
    skip: Skip = "concat" if autoencoder else "none"
    random: Any = {"log_var_scale": 0.1, "log_var_range": (-20, 5), **sizes}
    stage = Trial(
        data=data,
        model=VAE(post_var="none", skip=skip, **sizes) if wae else VAE(skip=skip, **random),
        objective=AUTOENCODER.model_copy(update={"penalty": MMD(weight=10)}) if wae else Objective(gamma=FIRST[first]),
        training=_training(faces, wae),
        seed=seed,
        after=autoencoder,
        samples=10_000 if faces else 2000,
    )
    if method != PLUS:
        return stage
    return stage.model_copy(
        update={"model": VAE(skip="concat", **random), "objective": Objective(gamma=Learned(init=0.05)), "after": stage}
    )
