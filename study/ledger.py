"""The mirror's command by the name that homes and MLflow experiments give: `python -m study.ledger [STUDY]`."""

from study.cli import run
from study.mirror.__main__ import app

if __name__ == "__main__":
    run(app, "python -m study.ledger")
