"""The command `collapsar`, also as `python -m collapsar`, in whatever folder, with whatever files in it."""

import contextlib
import os
import sys


def main() -> None:
    """Run the command. The current folder gives way, in which a user may have a `yaml.py`, say, which libraries would get."""
    with contextlib.suppress(FileNotFoundError):  # the current folder was deleted, as the command then says
        here = os.path.realpath(os.curdir)
        sys.path.sort(key=lambda place: os.path.realpath(place) == here)
    from study.command import run_command

    run_command()


if __name__ == "__main__":
    main()
