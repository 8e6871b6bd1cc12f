"""A kill between any two writes of a home, without a process to kill."""

from collections.abc import Iterable


class StoppedError(Exception):
    """Stands for a kill."""


def stop_after(home, patch, calls: int, methods: Iterable[str]):
    """Let `home` carry out `calls` calls of `methods`; the next one is the last moment of its process."""
    left = [calls]

    def counted(function):
        def call(*arguments):
            if left[0] == 0:
                raise StoppedError
            left[0] -= 1
            return function(*arguments)

        return call

    for name in methods:
        patch.setattr(home, name, counted(getattr(home, name)))
