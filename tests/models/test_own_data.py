"""A data set of the user's: identified by its source, and checked before anything is trained."""

import json

import numpy as np
import pytest
from ring_source import RING
from user_modules import write_module

from models.data.load import from_declaration, load, prepare
from models.data_folders import DataError
from models.specs import OwnData
from models.specs.source import source_of
from study import VAE, Digits, Fixed, Objective, Training, Trial, study
from study.declare.identity import content_id
from study.plan.datasets import record_data
from study.plan.plan import make_plan
from study.record import Home

pytestmark = pytest.mark.every_python


@pytest.fixture
def ring(tmp_path):
    return write_module(tmp_path, RING).ring


def test_the_function_is_called_with_its_options_and_what_it_stands_on(ring):
    data = load(OwnData.of(ring, d=3, n=300, noise=0.0))
    assert data.train.shape == (300, 3)
    assert data.test.shape == (100, 3)
    x = data.train + data.mean
    assert np.square(x[:, :2]).sum(1) == pytest.approx(np.ones(300), abs=1e-5)
    expected = ring(noise=0.0)[0]  # a change of what an assignment made belongs to it
    assert x == pytest.approx(expected, abs=1e-5)


def test_identity_is_the_code_the_options_and_what_was_declared(tmp_path, ring):
    spec = OwnData.of(ring, d=3, n=300)
    assert OwnData.model_validate_json(spec.model_dump_json()) == spec
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    moved = write_module(tmp_path / "a", "# a comment\n\nUNUSED = 1\n" + RING)
    changed = write_module(tmp_path / "b", RING.replace('["by"] = 0.5', '["by"] = 0.6'))
    assert content_id(OwnData.of(moved.ring, d=3, n=300)) == content_id(spec)
    others = [
        OwnData.of(changed.ring, d=3, n=300),
        OwnData.of(ring, d=3, n=300, noise=0.1),
        OwnData.of(ring, d=3, n=300, intrinsic_dim=1),
        OwnData.of(ring, d=3, n=200),
    ]
    assert len({content_id(other) for other in [spec, *others]}) == 5
    assert content_id(OwnData.of(ring, d=3, n=300, a=1, b=2)) == content_id(OwnData.of(ring, d=3, n=300, b=2, a=1))


def test_a_declared_file_is_part_of_the_identity_and_watched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "import numpy as np\n\n\ndef stored(path):\n    x = np.load(path)\n    return x[:8], x[8:]\n"
    stored = write_module(tmp_path, source).stored

    def declared(seed):
        np.save("x.npy", np.random.default_rng(seed).standard_normal((10, 2)))
        return OwnData.of(stored, d=2, n=8, files=["x.npy"], path="x.npy")

    first, second = declared(0), declared(1)
    assert content_id(first) != content_id(second)
    assert declared(0) == first
    assert load(first).train.shape == (8, 2)
    with pytest.raises(DataError, match=r"x\.npy has changed since stored was declared"):
        load(second)
    (tmp_path / "x.npy").unlink()
    with pytest.raises(DataError, match=r"stored needs x\.npy, which is not here"):
        load(second)
    with pytest.raises(ValueError, match=r"the file x\.npy cannot be read"):
        OwnData.of(stored, d=2, n=8, files=["x.npy"])


def test_one_file_needs_no_list(tmp_path, ring):
    (tmp_path / "x.npy").write_bytes(b"1")
    for file in (tmp_path / "x.npy", str(tmp_path / "x.npy")):
        data = OwnData.of(ring, d=3, n=300, files=file)
        assert data == OwnData.of(ring, d=3, n=300, files=[file])
        assert list(data.files) == [str(file)]


def test_where_a_file_lies_is_no_part_of_the_identity(tmp_path, monkeypatch, ring):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / name).write_text(name)

    def identity(*files):
        return content_id(OwnData.of(ring, d=3, n=300, files=files))

    assert identity("a") == identity("./a") == identity(tmp_path / "a")
    assert len({identity(), identity("a"), identity("b"), identity("a", "b"), identity("b", "a")}) == 5


def test_an_option_typed_in_two_ways_is_one_value(ring):
    one, other = (OwnData.of(ring, d=3, n=300, noise=noise, scales=[noise, 0.5]) for noise in (1, 1.0))
    assert one == other
    assert content_id(one) == content_id(other)
    assert [type(value) for value in other.options["scales"]] == [float, float]  # the code gets what was typed
    kept = OwnData.of(ring, d=3, n=300, huge=1e300, yes=True).options  # no array holds 10**300 as an integer
    assert (type(kept["huge"]), kept["yes"]) == (float, True)


CHANGED = """
import numpy as np
from study import OwnData

N = 6
M = np.ones((6, 2))
np.fill_diagonal(M, 0)
A = []
for k in range(8):
    A.append(k)
if len(A) > 7:
    del A[0]
UNUSED = np.ones(3)
np.negative(UNUSED, out=UNUSED)


def own():
    return M + N, M * sum(A)


TOTAL = N + 1
data = OwnData.of(own, d=M.shape[1], n=N)
if __name__ == "__main__":
    A.clear()
"""


def test_every_statement_that_may_change_what_the_code_uses_comes_along(tmp_path):
    module = write_module(tmp_path, CHANGED)
    source = source_of(module.own).text
    for word in ("UNUSED", "TOTAL", "OwnData", "__main__"):
        assert word not in source
    data = load(module.data)
    assert data.train + data.mean == pytest.approx(module.own()[0], abs=1e-5)
    assert data.test + data.mean == pytest.approx(module.own()[1], abs=1e-5)


def test_own_data_that_change_under_one_declaration_are_refused(tmp_path, monkeypatch):
    source = (
        "from pathlib import Path\nimport numpy as np\n\n\ndef drawn():\n"
        "    x = np.random.default_rng(int(Path('later').exists())).standard_normal((10, 2))\n    return x[:8], x[8:]\n"
    )
    drawn = write_module(tmp_path, source).drawn

    @study(seed=[0])
    def unseen(seed):
        """Data that follow from what the declaration does not name."""
        data, objective = OwnData.of(drawn, d=2, n=8), Objective(gamma=Fixed(1.0))
        return Trial(data=data, model=VAE(kappa=2), objective=objective, training=Training(steps=3), seed=seed)

    home = Home(tmp_path / "home")
    plan = make_plan(unseen, "laptop", home)
    monkeypatch.chdir(tmp_path)
    assert record_data(plan, home) == record_data(plan, home) == []
    (tmp_path / "later").touch()
    from_declaration.cache_clear()  # as in the process of a later launch
    with pytest.raises(DataError, match=r"drawn returns other data .* name it in files="):
        record_data(plan, home)


READ = """
import numpy as np


def stored(at_once):
    x = np.load("x.npy") if at_once else np.loadtxt("x.csv")
    np.save("cache.npy", x)
    return np.load("cache.npy")[:8], x[8:]
"""


@pytest.mark.parametrize("name", ["x.npy", "x.csv"])
def test_a_file_that_is_read_must_be_declared(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).standard_normal((10, 2))
    np.save("x.npy", x)
    np.savetxt("x.csv", x)
    stored = write_module(tmp_path, READ).stored
    with pytest.raises(DataError, match=rf"^stored reads {tmp_path / name} without declaring it"):
        load(OwnData.of(stored, d=2, n=8, at_once=name == "x.npy"))
    (tmp_path / "linked").symlink_to(tmp_path / name)
    data = load(OwnData.of(stored, d=2, n=8, files=["linked"], at_once=name == "x.npy"))
    assert data.train + data.mean == pytest.approx(x[:8], abs=1e-5)


WRONG = {
    "raises": ("1 / 0", "own raised ZeroDivisionError: division by zero: fix"),
    "leaves": ("raise SystemExit(0)", "own raised SystemExit"),
    "uses its file": ("return __file__", "own raised NameError"),
    "returns nothing": ("pass", "own returned no pair of arrays: end it with `return train, test`"),
    "returns three": ("return X, X, X", "own returned no pair of arrays"),
    "ragged": ("return [[1.0], [1.0, 2.0]], X", "training set is no array"),
    "integers": ("return X.astype(int), X", "training set holds int64: convert it to float"),
    "objects": ("return X, X.astype(object)", "test set holds object: convert it to float"),
    "one dimension": ("return X[:, 0], X", r"training set has the shape \(6,\): give it a row for each example"),
    "pictures": ("return X.reshape(6, 2, 1), X", r"has the shape \(6, 2, 1\)"),
    "other d": ("return X[:, :1], X", "training set has 1 dimensions, not d = 2"),
    "other d in test": ("return X, X[:, :1]", "test set has 1 dimensions, not d = 2"),
    "other n": ("return X[:5], X", "returned 5 training examples, not n = 6: declare n=5"),
    "empty": ("return X, X[:0]", "test set has 0 examples: it needs two at least"),
    "not finite": ("Y = X.copy(); Y[3] = np.nan; return Y, X", r"not finite \(row 3\): drop or fill these rows"),
    "infinite": ("return X, X + np.inf", "test set holds numbers that are not finite"),
    "too large": ("return X * 1e300, X", "training set holds numbers too large for float32: scale"),
    "constant": ("return 0 * X, X", "training set does not vary"),
    "constant test": ("return X, 0 * X + X.mean(0)", "test set does not vary"),
    "unseeded": ("return np.random.rand(6, 2), X", "other numbers when it is called again: draw them from a seeded"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_data_is_told_in_one_sentence(name, tmp_path):
    body, words = WRONG[name]
    source = f"import numpy as np\n\nX = np.arange(12.0).reshape(6, 2) % 5\n\n\ndef own():\n    {body}\n"
    spec = OwnData.of(write_module(tmp_path, source).own, d=2, n=6)
    with pytest.raises(DataError, match=words) as fault:
        prepare(spec)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": (2, 2)}, "an image of 2×2 pixels has not d = 3"),
        ({"intrinsic_dim": 4}, "intrinsic_dim = 4 exceeds d = 3"),
        ({"n": 1}, "greater than or equal to 2"),
        ({"d": 0}, "greater than or equal to 1"),
        ({"function": len}, "the source of len cannot be read"),
        ({"function": lambda: 1}, "must be defined at the top level"),
        ({"function": "ring"}, "cannot be read"),
        ({"option": len}, "options must be plain"),
        ({"files": ["nowhere"]}, "the file nowhere cannot be read"),
    ],
)
def test_a_wrong_declaration_of_data_is_refused_when_it_is_made(changes, words, ring):
    with pytest.raises(ValueError, match=words):
        OwnData.of(**({"function": ring, "d": 3, "n": 300} | changes))


def test_a_function_inside_another_is_not_mistaken_for_its_namesake(tmp_path):
    source = "def make():\n    def own():\n        return 1\n    return own\n\n\ndef own():\n    return 2\n"
    with pytest.raises(ValueError, match="must be defined at the top level"):
        OwnData.of(write_module(tmp_path, source).make(), d=1, n=2)


def test_a_trial_on_own_data_survives_json(ring):
    trial = Trial(
        data=OwnData.of(ring, d=3, n=300, image=(1, 3), noise=0.5),
        model=VAE(kappa=2),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=3),
        seed=0,
    )
    again = Trial.model_validate(json.loads(trial.model_dump_json()))
    assert (again, again.trial_id, again.pack_key) == (trial, trial.trial_id, trial.pack_key)
    assert trial.pack_key != trial.model_copy(update={"data": Digits()}).pack_key
