"""The vocabulary of a declaration: frozen pydantic objects, free of torch.

Every member of the unions below is a name of this package. Type checkers read the imports, which bring in the same names;
at run time the unions themselves are asked, so that a new member is listed in its union alone.
"""

from typing import TYPE_CHECKING

from models.specs.data import Data
from models.specs.early_stopping import Patience
from models.specs.gamma import Gamma
from models.specs.gaussian import Skip
from models.specs.likelihood import Likelihood
from models.specs.network import Model
from models.specs.objective import Objective, Regulariser, Spread
from models.specs.optimisers import Optimiser
from models.specs.own_functions import OwnMetric, OwnTerm
from models.specs.schedules import Schedule
from models.specs.spec import Spec
from models.specs.training import Slower, Training
from models.specs.vocabulary import members

if TYPE_CHECKING:
    from models.specs.data import *
    from models.specs.gamma import *
    from models.specs.likelihood import *
    from models.specs.network import *
    from models.specs.objective import *
    from models.specs.optimisers import *
    from models.specs.schedules import *
    from models.specs.training import *

_UNIONS = (Data, Gamma, Likelihood, Model, Optimiser, Regulariser, Schedule)
_MEMBERS = {kind.__name__: kind for union in _UNIONS for kind in members(union)}

globals().update(_MEMBERS)

NAMES = frozenset(_MEMBERS) | {
    *("Data", "Gamma", "Likelihood", "Model", "Optimiser", "Schedule", "Skip"),
    *("Objective", "OwnMetric", "OwnTerm", "Patience", "Slower", "Spread", "Training"),
}
"""What a study is declared with."""

__all__ = sorted({*NAMES, "Spec"})  # pyright: ignore[reportUnsupportedDunderAll]
