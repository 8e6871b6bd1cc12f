"""Strategies of valid `Training`s, and of the numbers that declarations are made of."""

from hypothesis import strategies as st

from models.specs.vocabulary import members
from study import SGD, Adam, Linear, Optimiser, Rprop, Schedule, Slower, Steps, Training

COUNTS = st.integers(1, 2**31 - 1)
SMALL = st.integers(1, 512)
POSITIVE = st.floats(1e-8, 1e8)
SHARES = st.floats(0, 1)


def each_of(kinds, strategies):
    """Any declaration of these kinds: by its own strategy, or else with every field that has a default at it."""
    return st.one_of(*(strategies.get(kind, st.builds(kind)) for kind in kinds))


TRAININGS = st.builds(
    Training,
    steps=COUNTS,
    batch=COUNTS,
    lr=POSITIVE,
    decay_from=SHARES,
    decay_to=SHARES,
    adam_beta1=st.floats(0, 0.999),
    blow_up=POSITIVE,
    dtype=st.sampled_from(["float32", "float64"]),
    warm_up=SHARES,
    slower=st.none() | st.builds(Slower, below=POSITIVE, power=st.floats(0.1, 4)),
    signs=st.none() | st.builds(Rprop, grow=st.floats(1, 10), shrink=st.floats(0.1, 1)),
)
TRAININGS |= st.builds(
    Training,
    epochs=SMALL,
    batch=COUNTS,
    optimiser=st.none()
    | each_of(
        members(Optimiser),
        {
            Adam: st.builds(Adam, beta1=st.floats(0, 0.999), weight_decay=SHARES),
            SGD: st.builds(SGD, momentum=st.floats(0.1, 0.9), nesterov=st.booleans(), weight_decay=SHARES),
        },
    ),
    schedule=st.none()
    | each_of(
        members(Schedule),
        {
            Linear: st.builds(Linear, end=SHARES, after=SHARES),
            Steps: st.builds(Steps, at=st.lists(SHARES, min_size=1, max_size=3).map(sorted)),
        },
    ),
    clip=st.none() | POSITIVE,
    slower=st.none() | st.builds(Slower, below=POSITIVE),
)
