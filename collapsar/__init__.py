"""The platform under a name of its own: `python -m collapsar`, and `import collapsar`.

The packages of the platform are called `models`, `study` and `analysis`, and so are many files of users. Once this package is
imported, the three names mean the platform's packages to everything but the user's own files, whatever `sys.path` says;
to a user's files they mean what stands beside these files (`collapsar.user_modules`). `study` and `analysis` import it first.
"""

from importlib.metadata import PackageNotFoundError, version

from collapsar.own_packages import claim_names


def _version() -> str:
    try:
        return version("collapsar")
    except PackageNotFoundError:  # a copy of the sources, as a job on a cluster has it
        return "not installed"


claim_names()

__version__ = _version()
