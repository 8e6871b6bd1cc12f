"""Studies of regularisation in variational autoencoders: declared, planned, packed, trained, recorded, launched.

    from study import VAE, Digits, Learned, Objective, Training, Trial, launch, study

    @study(kappa=[2, 4], seed=range(3))
    def my_grid(kappa, seed):
        \"\"\"What the study asks.\"\"\"
        return Trial(...)

    done = launch(my_grid)

`study` is this package and the decorator in one: `help("study.declare.table.study")` says what the decorator takes.

docs/architecture.md is the map of the rooms below. Names are looked up when they are first used, so that `study.record` can
be imported where there is neither pydantic nor torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import collapsar

if TYPE_CHECKING:
    from models.specs import *
    from study.declare.probe import Probe
    from study.declare.search import search
    from study.declare.search_space import Between
    from study.declare.table import Study, study
    from study.declare.trial import Trial
    from study.launch.call import launch
    from study.train.weights import load

_HOMES = {
    "Between": "study.declare.search_space",
    "Probe": "study.declare.probe",
    "Study": "study.declare.table",
    "Trial": "study.declare.trial",
    "load": "study.train.weights",
    "search": "study.declare.search",
}


class _Package(ModuleType):
    """This package, which is the decorator too: in a notebook `from study import study` may follow `import study`, and
    `study.launch` is there after either."""

    def __call__(self, *unnamed: Any, **axes: Any) -> Any:
        """Declare a study: see `study.declare.table.study`, which takes these axes."""
        return import_module("study.declare.table").study(*unnamed, **axes)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "study":
        return sys.modules[__name__]
    if name == "launch":  # a package that can be called: see there
        return import_module("study.launch")
    if name == "__version__":
        return collapsar.__version__
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name[0].isupper() and name in (specs := import_module("models.specs")).NAMES:  # small letters are submodules
        return getattr(specs, name)
    if name == "__all__":
        return __dir__()
    raise AttributeError(f"module 'study' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({"launch", "study", *_HOMES, *import_module("models.specs").NAMES})
