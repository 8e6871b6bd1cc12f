"""Ray unpacks each package that a job brings in a folder of its own: they are the platform's there, too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("models", "study", "analysis", "collapsar")

PROGRAM = """
import sys
sys.modules.pop("collapsar", None)
import study, analysis, models
from collapsar.own_packages import is_own
from study import Trial
assert sys.modules["study"] is study and callable(study)
print(*(module.__file__ for module in (study, models, analysis)), is_own(study.__file__), is_own("models.py"))
"""


def test_packages_in_folders_of_their_own_are_found_beside_each_other(tmp_path):
    folders = [tmp_path / "modules" / f"_pkg_{name}" for name in PACKAGES]
    for name, folder in zip(PACKAGES, folders, strict=True):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "models.py").write_text("raise RuntimeError('the user\\'s own')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *files, own, users = done.stdout.split()
    assert [Path(file).parents[1] for file in files] == [folders[1], folders[0], folders[2]]
    assert (own, users) == ("True", "False")
