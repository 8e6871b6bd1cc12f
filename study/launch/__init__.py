"""Launch: studies from the command line or from Python, to their last sentence."""

import inspect
import sys
from types import ModuleType
from typing import Any


class _Launcher(ModuleType):
    """This package, which can be called.

    `python -m study.launch` needs a package of that name, and `study.launch(my_grid)` a function: Python sets the attribute
    `launch` of `study` to the package as soon as anything imports it, so the package itself has to be the function.
    """

    def __call__(self, *studies: Any, **options: Any) -> Any:
        """Train what studies declare: see `study.launch.call.launch`, which takes these arguments."""
        return _function()(*studies, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        """What `help`, `launch?` and completion show: what the function takes, and below, what it says of itself."""
        return inspect.signature(_function())

    @property
    def __doc__(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return inspect.getdoc(_function())


def _function() -> Any:
    from study.launch.call import launch  # imports what `import study` should not

    return launch


sys.modules[__name__].__class__ = _Launcher
