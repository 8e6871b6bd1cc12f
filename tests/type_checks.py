"""How signatures are checked while tests run: as a type checker reads them, for which an int is a float."""

from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import config

check = beartype(conf=BeartypeConf(is_pep484_tower=True))

FIRST, THEN_EVERY = 20, 10


def check_some_steps(training: Any) -> None:
    """Let a class of trainings check shapes in its first steps, and then in every tenth: they are the same in all.

    To check every step doubles the time of a training of small networks.
    """
    take_step = training.take_step

    def take_step_checked_or_not(self: Any) -> None:
        if self.step < FIRST or self.step % THEN_EVERY == 0:
            return take_step(self)
        config.update("jaxtyping_disable", True)
        try:
            return take_step(self)
        finally:
            config.update("jaxtyping_disable", False)

    training.take_step = take_step_checked_or_not
