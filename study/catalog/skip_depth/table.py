"""Decoder depth × skip × κ × initialisation: do deep plain decoders collapse, and what rescues them?

The manifold has a known dimension (d = 20, r = 3), the encoder is shallow, and the ReLU decoders have 2, 6 or 20 layers of
64 units. Initial weights are N(0, 1/fan_in) or He's N(0, 2/fan_in). Under the first, a ReLU layer halves the second moment,
so that twenty layers leave next to nothing of z; under the second, it keeps it. γ is learned at the network's learning rate.
Every depth is trained at κ = r, the least and the greatest also at κ = 20 under the first initialisation. Where skips and
latents are compared, at twenty layers, there are more seeds. Under He's weights the plain decoder alone is trained: of it one
asks whether it collapses all the same. Training is short on purpose: the claim is about where 1,500 steps lead, not about
where training would end.

On MNIST the network is the source's, an encoder of six layers and a decoder of three blocks of two, at a smaller width.
"""

from models.specs import MNIST, VAE, Data, Learned, Objective, PlantedManifold, Skip, Training
from models.specs.gaussian import Init
from study.declare.table import study
from study.declare.trial import Trial

NONE: Skip = "none"
AFFINE: Skip = "affine"
SKIPS: list[Skip] = [NONE, AFFINE, "residual", "concat"]

FAN_IN: Init = "fan_in"
HE_INIT: Init = "he"
INITS = [FAN_IN, HE_INIT]

MANIFOLD, PICTURES = PlantedManifold(d=20, r=3, n=2000), MNIST(n=10_000)

LEAST, MORE, MOST = 3, 20, 50
"""κ: as many latents as the manifold needs, far more, and as many as the source's smallest network for MNIST has."""

DEPTHS = [2, 6, 20]
SHALLOWEST, DEEPEST = DEPTHS[0], DEPTHS[-1]
"""Layers of the decoder."""

FEW, SEEDS = 3, 6
"""Seeds of a row, and of those whose errors or active latents are compared."""


@study(data=[MANIFOLD, PICTURES], depth=DEPTHS, init=INITS, skip=SKIPS, kappa=[LEAST, MORE, MOST], seed=range(SEEDS))
def skip_depth(data: Data, depth: int, init: Init, skip: Skip, kappa: int, seed: int) -> Trial | None:
    """Do deep decoders collapse for lack of skip connections, or because of their initialisation?"""
    if seed >= FEW and not _is_compared(data, depth, init, skip, kappa):
        return None
    if data == PICTURES:
        is_asked = depth == 6 and kappa == MOST and skip != "concat"
        return _of_pictures(data, depth, init, skip, kappa, seed, width=64, steps=1000, lr=3e-3) if is_asked else None
    if kappa == MOST or not _is_of_the_manifold(depth, init, skip, kappa):
        return None
    return Trial(
        data=data,
        model=VAE(
            kappa=kappa,
            encoder=(64, 64),
            decoder=(64,) * depth,
            activation="relu",
            skip=skip,
            init=init,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=Learned(init=1.0)),
        training=Training(steps=1500, batch=128, lr=3e-3),
        seed=seed,
    )


def _is_of_the_manifold(depth: int, init: Init, skip: Skip, kappa: int) -> bool:
    """At the larger κ the least and the greatest depth are trained, and blocks and concatenation where they are needed."""
    if init == HE_INIT:
        return kappa == LEAST and skip == NONE
    return kappa == LEAST or depth == DEEPEST or (depth == SHALLOWEST and skip in (NONE, AFFINE))


def _is_compared(data: Data, depth: int, init: Init, skip: Skip, kappa: int) -> bool:
    """Whether more seeds are wanted: both κ with a skip, the larger one without, and the plain decoder of He's weights."""
    is_asked = skip == NONE if init == HE_INIT else (skip != NONE or kappa == MORE)
    return data == MANIFOLD and depth == DEEPEST and is_asked


@skip_depth.paper(data=[MNIST()], depth=[2, 6, 12, 20], init=INITS, skip=SKIPS, kappa=[16, 64, 256], seed=range(3))
def skip_depth_paper(data: Data, depth: int, init: Init, skip: Skip, kappa: int, seed: int) -> Trial:
    """The same question on all of MNIST, with an encoder of six layers, at 60 epochs."""
    return _of_pictures(data, depth, init, skip, kappa, seed, width=256, steps=14_000, lr=1e-3)


def _of_pictures(
    data: Data, depth: int, init: Init, skip: Skip, kappa: int, seed: int, width: int, steps: int, lr: float
) -> Trial:
    return Trial(
        data=data,
        model=VAE(
            kappa=kappa,
            encoder=(width,) * 6,
            decoder=(width,) * depth,
            activation="relu",
            skip=skip,
            init=init,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=Learned(init=0.07)),
        training=Training(steps=steps, batch=128, lr=lr),
        seed=seed,
    )
