"""What every test shares: checks of shapes and types, one thread for torch, small declarations."""

import contextlib
import gc
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from jaxtyping import install_import_hook

CHECKED = {
    "beartype.beartype": [
        "models.data",
        "models.networks",
        "models.loss",
        "models.metrics",
        "models.probes",
        "analysis.fit.hinge",
        "analysis.fit.resample",
    ],
    "type_checks.check": ["study.train"],
}
"""Packages whose every function is held to the shapes and types of its signature (declarations are pydantic's to check).

Of `analysis.fit` two modules: its `Sweep` refuses arrays of other shapes itself, in a sentence that a test reads.
"""

gc.disable()  # what is imported stays: to look through it for garbage takes a tenth of the time

IMPORTED_FIRST = """
beartype pandas pooch pyarrow.parquet pydantic.type_adapter safetensors.numpy scipy.optimize scipy.stats torch.export
"""
"""What checked modules import while they are rewritten would be compiled anew, which takes as long as the rest."""

for package in IMPORTED_FIRST.split():
    import_module(package)

for checker, packages in CHECKED.items():
    with install_import_hook(packages, checker):
        for package in map(import_module, packages):
            for module in walk_packages(getattr(package, "__path__", []), f"{package.__name__}."):
                import_module(module.name)

import torch
from painted_pictures import published_celeba
from threadpoolctl import threadpool_limits
from type_checks import check_some_steps
from undrawn_charts import undrawn

from analysis.figures.chart import Charts
from models.data.load import from_declaration
from study import VAE, Gamma, Learned, Objective, PlantedManifold, Training, Trial
from study.train.step.loop import Training as PackTraining

check_some_steps(PackTraining)
torch.set_num_threads(1)  # as in a worker; and two threads on small matrices are slower than one
threadpool_limits(1, user_api="blas")  # NumPy's and SciPy's likewise: L-BFGS on few numbers is four times as fast


@pytest.fixture
def make_trial() -> Callable[..., Trial]:
    """A small trial on the planted manifold; keyword arguments say what differs."""

    def make(
        gamma: Gamma | None = None,
        beta: float = 1.0,
        seed: int = 0,
        data: Any = None,
        model: Any = None,
        **training: Any,
    ) -> Trial:
        return Trial(
            data=data or PlantedManifold(n=400, n_test=200),
            model=model or VAE(kappa=4, encoder=(16,), decoder=(16,), log_var_scale=0.1, log_var_range=(-20, 5)),
            objective=Objective(gamma=gamma or Learned(lr=1e-2), beta=beta),
            training=Training(**({"steps": 60, "batch": 64, "lr": 3e-3} | training)),
            seed=seed,
        )

    return make


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty tracking database: creating one takes seconds."""
    from study.mirror.mirror import _Server, tracking_uri
    from study.record import Home

    folder = tmp_path_factory.mktemp("database")
    _Server(Home(folder), tracking_uri(Home(folder)))
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "mlflow.db"


@pytest.fixture
def tracked(tmp_path: Path, database: Path) -> Path:
    """The folder of a home for a launch: it has nothing but an empty tracking database."""
    (tmp_path / "home").mkdir()
    shutil.copy(database, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def home(tmp_path: Path, database: Path) -> Any:
    """A home with a plan of two cells of two seeds, and an empty tracking database."""
    from recorded_home import write_plan

    from study.record import Home

    shutil.copy(database, tmp_path / "mlflow.db")
    write_plan(Home(tmp_path))
    return Home(tmp_path)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where decoded pictures go, of the test's own, and no data set kept from another test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    from_declaration.cache_clear()
    yield tmp_path / "cache" / "collapsar" / "pictures"
    from_declaration.cache_clear()


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CelebA's folder with a few painted faces, for this test the published ones."""
    return published_celeba(tmp_path / "data", monkeypatch)


DRAW_CHARTS = {"test_charts", "test_report", "test_docs_code", "test_your_own_claims", "test_earlier_home"}
"""Test files that look at charts as files."""


@pytest.fixture(autouse=True, scope="module")
def undrawn_charts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Elsewhere charts become empty files: to draw them takes seconds of every report. Launches in other processes draw."""
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__ not in DRAW_CHARTS:
            patch.setattr(Charts, "drawing", undrawn)
        yield


QUICK_FOLDERS = {"declare", "models", "pack", "plan", "record"}


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of quick tests come last: of processes that share the files, none is left alone with a long one."""
    items.sort(key=lambda item: item.path.parent.name in QUICK_FOLDERS)
