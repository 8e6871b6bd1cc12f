"""Strategies of valid declarations of every kind, and of anything at all, for properties that all of them have."""

import datetime
import decimal
import fractions
import os
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from training_declarations import POSITIVE, SMALL, TRAININGS, each_of

from models.specs.gamma import OneGamma
from models.specs.vocabulary import members
from study import (
    CIFAR10,
    MNIST,
    SVHN,
    VAE,
    Annealed,
    Bernoulli,
    Bitwise,
    Categorical,
    CelebA,
    Data,
    DecodedPerPixel,
    Digits,
    FashionMNIST,
    Fixed,
    ImageFolder,
    ImageVAE,
    Learned,
    LinearMap,
    LinearSubspace,
    LogisticMixture,
    Objective,
    Optimal,
    Own,
    OwnData,
    PerImage,
    PerPixel,
    PlantedArc,
    PlantedClusters,
    PlantedManifold,
    Refit,
    StudentT,
    Trial,
)
from study.errors import RefusalError
from study.record import Home

SEVERAL = st.integers(2, 10**6)
SEEDS = st.integers(0, 2**63 - 1)
WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OPTIONS = st.dictionaries(WORDS, PLAIN, max_size=3)


GAMMAS = each_of(
    [kind for kind in members(OneGamma) if kind is not Refit],  # which adds a trial to every one of its own
    {
        Fixed: st.builds(Fixed, POSITIVE),
        Learned: st.builds(Learned, init=POSITIVE, lr=st.none() | POSITIVE)
        | st.builds(
            lambda low, init, high: Learned(init=low + init, floor=low, ceiling=low + init + high), *[POSITIVE] * 3
        ),
        Optimal: st.builds(Optimal, floor=st.just(0.0) | POSITIVE),
        Annealed: st.builds(Annealed, POSITIVE, POSITIVE, over=st.floats(1e-3, 1)),
    },
)

PLANTED = {"noise": st.floats(0, 10), "n": SEVERAL, "n_test": SEVERAL, "seed": SEEDS}
DATA = each_of(
    members(Data),
    {
        MNIST: st.builds(MNIST, n=st.integers(2, 60_000)),
        FashionMNIST: st.builds(FashionMNIST, n=st.integers(2, 60_000)),
        CelebA: st.builds(
            CelebA, size=st.sampled_from([64, 128]), n=st.integers(2, 162_770), n_test=st.integers(2, 19_962)
        ),
        ImageFolder: st.builds(
            ImageFolder,
            path=WORDS,
            checksum=WORDS,
            pictures=st.integers(20, 10**6),
            size=SMALL,
            channels=st.sampled_from([1, 3]),
            n=st.none() | st.integers(2, 8),
            every=st.integers(2, 10),
            seed=SEEDS,
        ),
        LinearSubspace: st.builds(
            LinearSubspace, d=st.integers(8, 4096), eigenvalues=st.lists(POSITIVE, min_size=1, max_size=8), **PLANTED
        ),
        LinearMap: st.builds(
            LinearMap,
            d=st.integers(8, 4096),
            zeta2=st.tuples(POSITIVE, POSITIVE),
            inputs=st.tuples(POSITIVE, POSITIVE),
            **PLANTED,
        ),
        PlantedArc: st.builds(PlantedArc, d=st.integers(2, 4096), off=st.floats(0, 1), **PLANTED)
        | st.builds(PlantedArc, d=st.integers(2, 4096), middle=st.floats(1e-3, 1), **PLANTED),
        PlantedManifold: st.builds(PlantedManifold, d=st.integers(8, 4096), r=st.integers(1, 8), **PLANTED),
        PlantedClusters: st.builds(PlantedClusters, d=st.integers(2, 4096), **PLANTED),
        OwnData: st.builds(
            OwnData,
            name=st.just("mine"),
            source=WORDS,
            d=st.just(12),
            n=SEVERAL,
            intrinsic_dim=st.none() | st.integers(1, 12),
            image=st.sampled_from([None, (3, 4), (12, 1), (2, 2, 3)]),
            files=st.lists(WORDS, max_size=2).map(lambda sums: {str(i): of for i, of in enumerate(sums)}),
            options=OPTIONS,
        ),
    },
)

WIDTHS = st.lists(SMALL, max_size=4).map(tuple)
VAES = st.one_of(
    st.builds(
        VAE,
        kappa=SMALL,
        encoder=WIDTHS,
        decoder=WIDTHS,
        activation=st.sampled_from(["tanh", "relu", "gelu", "identity"]),
        skip=st.sampled_from(["none", "affine", "concat"]),
        init=st.sampled_from(["fan_in", "he", "glorot"]),
        mu_scale=POSITIVE,
        log_var_scale=POSITIVE,
        output_scale=POSITIVE,
        z_scale=st.just(0.0) | POSITIVE,
        decoder_gain=POSITIVE,
        log_var_range=st.none() | st.tuples(st.floats(-50, 0), st.floats(1, 50)),
        post_var=st.sampled_from(["amortised", "shared"]),
        prior_std=POSITIVE,
    ),
    st.builds(VAE, kappa=st.just(2), post_var=st.tuples(POSITIVE, POSITIVE)),
    st.builds(VAE, kappa=SMALL, skip=st.just("residual"), decoder=st.sampled_from([(8, 8), (64,) * 4])),
)
MODELS = VAES | st.builds(Own, kappa=SMALL, name=st.just("Net"), source=WORDS, options=OPTIONS)

IMAGE_VAES = st.builds(
    ImageVAE,
    kappa=SMALL,
    channels=st.lists(SMALL, min_size=1, max_size=2).map(tuple),
    blocks=st.integers(1, 4),
    norm=st.sampled_from(["none", "group"]),
    skip=st.sampled_from(["none", "affine", "residual", "concat"]),
    mu_scale=POSITIVE,
    output_scale=POSITIVE,
    post_var=st.sampled_from(["amortised", "shared"]),
)
HOW = {
    "objective": st.builds(Objective, gamma=GAMMAS, beta=st.floats(0, 100)),
    "training": TRAININGS,
    "seed": SEEDS,
}
TRIALS = st.builds(Trial, data=DATA, model=MODELS, **HOW) | st.builds(
    Trial, data=st.sampled_from([Digits(), MNIST(), FashionMNIST(n=1000)]), model=IMAGE_VAES, **HOW
)
STEADY = HOW | {"training": TRAININGS.map(lambda training: training.model_copy(update={"slower": None}))}
"""Of what has no one γ, which steps could follow."""

DISCRETE = st.sampled_from([Bernoulli(), Categorical(), Bitwise(), LogisticMixture(components=2)])
TRIALS |= st.builds(
    Trial,
    data=st.sampled_from([Digits(binary=True), MNIST(n=1000, binary=True)]),
    model=VAES,
    **STEADY | {"objective": st.builds(Objective, likelihood=DISCRETE, beta=st.floats(0, 100))},
)
TRIALS |= st.builds(
    Trial,
    data=st.sampled_from([Digits(), CIFAR10(n=1000), SVHN()]),
    model=VAES,
    bits=st.booleans(),
    **STEADY
    | {
        "objective": st.builds(
            Objective,
            gamma=st.builds(PerPixel, init=POSITIVE)
            | st.builds(DecodedPerPixel, init=POSITIVE)
            | st.builds(PerImage, floor=POSITIVE),
        )
        | st.builds(
            Objective, gamma=st.builds(Fixed, POSITIVE), likelihood=st.builds(StudentT, freedom=st.floats(2.1, 9))
        )
    },
)

ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(2**70), 10**5000, 2**31, 0, -1]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "a\nb", "a,b", "→", "NaN", "1", "1.0", "true", ""]),
    st.binary(max_size=4),
    st.complex_numbers(),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.tuples(st.floats(), st.booleans()),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.frozensets(st.integers(), max_size=3),
    st.sampled_from([np.float32(0.5), np.int64(3), np.bool_(True), np.float64("nan"), np.zeros(2), np.zeros((0, 2))]),
    st.sampled_from([np.str_("x"), np.datetime64("2020-01-01"), np.array(3), np.longdouble(1) / 3]),
    st.sampled_from([decimal.Decimal("0.1"), fractions.Fraction(1, 3), datetime.date(2020, 1, 1), ..., NotImplemented]),
    st.sampled_from([int, len, lambda: 0, object(), range(3), Digits, Fixed, ValueError("x")]),
    GAMMAS,
    DATA,
    VAES,
    IMAGE_VAES,
    TRAININGS,
)

bounded = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
"""The settings of every property: the same few examples in every run."""

_homes = count()


def empty_home() -> Home:
    return Home(f"memory://properties-{os.getpid()}-{next(_homes)}")


T = TypeVar("T")


def made_or_refused(make: Callable[[], T]) -> tuple[T | None, str]:
    """What `make` returns, or the one line that refuses it. Any other exception fails the test."""
    try:
        return make(), ""
    except RefusalError as fault:
        text = str(fault)
    assert text
    assert "\n" not in text
    assert len(text) < 400
    return None, text
