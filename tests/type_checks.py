"""How signatures are checked while tests run, and how often: what is checked again and again takes as long as the tests."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import config


def checks_inner_functions_now_and_then(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The check, but of a function inside another, which is made anew at every call: of its first 20, then of every tenth."""
    made: Counter[str] = Counter()

    def check_now_and_then(function: Any) -> Any:
        name = f"{function.__module__}.{function.__qualname__}"
        made[name] += 1
        often = made[name] // 2  # jaxtyping has the check of the arguments apart from that of all
        is_left_out = "<locals>" in name and often > 20 and often % 10
        return function if is_left_out else check(function)

    return check_now_and_then


strict = checks_inner_functions_now_and_then(beartype)
check = checks_inner_functions_now_and_then(beartype(conf=BeartypeConf(is_pep484_tower=True)))
"""As a type checker reads signatures, for which an int is a float."""

FIRST, THEN_EVERY = 3, 20


def check_some_steps(training: Any) -> None:
    """Let a class of trainings check shapes in its first steps, and then in every twentieth: they are the same in all.

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
