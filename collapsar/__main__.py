"""The command `collapsar`, also as `python -m collapsar`, in whatever folder, with whatever files in it."""

import os
import sys


def main() -> None:
    """Run the command. The current folder gives way, in which a user may have a `yaml.py`, say, which libraries would get."""
    here = os.path.realpath(os.curdir) if os.path.exists(os.curdir) else ""  # noqa: PTH110 (the folder may be deleted)
    sys.path.sort(key=lambda place: os.path.realpath(place) == here)
    from study.command import run_command

    run_command()


if __name__ == "__main__":
    main()
