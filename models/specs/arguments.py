"""What a class or function of the user's takes, held against what it is given."""

import inspect
from collections.abc import Callable, Collection
from typing import Any, NamedTuple


class Arguments(NamedTuple):
    """Names of arguments: all that are taken, those that are needed and nobody gives, and options that are not taken."""

    names: list[str]
    lacking: list[str]
    unknown: list[str]


def arguments_of(function: Callable[..., Any], given: Collection[str], options: Collection[str]) -> Arguments:
    """The arguments of a function that is called with those `given` and with `options`, all by name.

    Raises: TypeError or ValueError where Python cannot tell what it takes.
    """
    taken = inspect.signature(function).parameters.values()
    named = [each for each in taken if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    names = [each.name for each in named]
    lacking = [each.name for each in named if each.default is each.empty and each.name not in (*given, *options)]
    takes_any = any(each.kind is each.VAR_KEYWORD for each in taken)
    return Arguments(names, lacking, [] if takes_any else [each for each in options if each not in names])
