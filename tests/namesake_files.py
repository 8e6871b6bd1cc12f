"""Files of a user's that have the names of the platform's packages, and a study beside them."""

from pathlib import Path

STUDY = '''
from study import VAE, Learned, Objective, PlantedManifold, Training, Trial, study


@study(kappa=[2, 3])
def own(kappa):
    """What is asked?"""
    data, objective = PlantedManifold(d=8, r=2, n=64, n_test=32), Objective(gamma=Learned())
    return Trial(data=data, model=VAE(kappa=kappa), objective=objective, training=Training(steps=5, batch=32), seed=0)
'''

NEIGHBOURS = {
    "models/__init__.py": "from models.layers import WIDTH\n",
    "models/layers.py": "WIDTH = 64\nNAME = __name__\n",
    "models/data.py": "ROWS = 7\n",
    "analysis.py": "from models import WIDTH\n\nclass Claim: ...\n",
    "study.py": "from study import Trial\nfrom models.layers import WIDTH\nHELP = WIDTH + 1\n",
    "yaml.py": "raise RuntimeError('a library took my yaml')\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
