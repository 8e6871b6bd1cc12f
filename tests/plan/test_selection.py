"""What a person types after `--only` means the label that is written so; else the same value; else what reads alike."""

import pytest

from study import VAE, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study
from study.errors import OptionError
from study.launch.options import only_of
from study.plan.plan import make_plan
from study.plan.selection import meant
from study.record import Home

WIDTHS = ["(64, 64)", "(32,)", "()"]


@pytest.mark.parametrize(
    ("labels", "text", "means"),
    [
        (["Adam", "adam"], "adam", ["adam"]),
        (["Adam", "adam"], "adam,Adam", ["adam", "Adam"]),
        (["Adam", "SGD"], "sgd", ["SGD"]),
        (WIDTHS, "(64, 64)", ["(64, 64)"]),
        (WIDTHS, "(64,64)", ["(64, 64)"]),
        (WIDTHS, "[64,64]", ["(64, 64)"]),
        (WIDTHS, "(64, 64),(32,)", ["(64, 64)", "(32,)"]),
        (WIDTHS, "(),(64,64), (32,)", ["()", "(64, 64)", "(32,)"]),
        (["", "x"], "", [""]),
        (["", "x"], "''", [""]),
        (["", "x"], "x,", ["x", ""]),
        (["Digits", "Digits, binary", "MNIST"], "Digits, binary,MNIST", ["Digits, binary", "MNIST"]),
        (["a", "b", "a,b"], "a,b", ["a,b"]),
        (["A,B", "a", "b"], "a,b", ["a", "b"]),
        (["f(x", "g)"], "f(x,g)", ["f(x", "g)"]),
        ([2, 4, 8], "2,4", [2, 4]),
        ([2, 4, 8], "(2, 4)", [2, 4]),
        ([2, 4, 8], "4.0", [4]),
        ([0.001, 3e-4], "1e-3", [0.001]),
        ([10**20, 10**20 + 1], str(10**20 + 1), [10**20 + 1]),
        (["1", "1.0"], "1", ["1"]),
        ([True, False], "true", [True]),
        (["annealed 1→0.01"], "annealed 1->0.01", ["annealed 1→0.01"]),
        (["MMD×10", "iRprop−"], "mmdx10,irprop-", ["MMD×10", "iRprop−"]),
        (["fixed 1", "fixed 10"], "fixed 1", ["fixed 1"]),
        (["None", "x"], "none", ["None"]),
        (["e\u0301", "x"], "\u00e9", ["e\u0301"]),
    ],
)
def test_a_typed_value_means_the_nearest_label(labels, text, means):
    assert meant(text, labels, "the axis") == means


@pytest.mark.parametrize(
    ("labels", "text", "said"),
    [
        (["Adam", "ADAM"], "adam", "has no value adam, and it might mean Adam or ADAM: write one of these"),
        (["1", "1.0"], "1.00", "has no value 1.00, and it might mean 1 or 1.0"),
        (WIDTHS, "(64, 65),(32,)", "has no value (64, 65): choose among (64, 64), (32,), ()"),
        (WIDTHS, "(64, 64", "has no value (64"),
        ([2, 4], "2,,4", "has no value '': choose among 2, 4"),
        ([2, 4], "", "has no value ''"),
        (["", "x"], "y", "has no value y: choose among '' (nothing), x"),
        ([1, 2], "True", "has no value True"),
        ([True, False], "2", "has no value 2"),
        (range(1000), "1000", "choose among 1000 labels, 0, 1, 2, … 999; did you mean 100?"),
        (range(1000), "x", "has no value x: choose among 1000 labels, 0, 1, 2, … 999"),
    ],
)
def test_a_value_that_means_no_label_or_several_is_refused(labels, text, said):
    with pytest.raises(OptionError) as refused:
        meant(text, labels, "the axis")
    assert said in str(refused.value)


@study(widths=[(64, 64), (32,), ()], act=["Adam", "adam"], gamma=[Learned(), Fixed(0.1)], note=["", "x"], seed=[0])
def grid(widths, act, gamma, note, seed):
    """Labels that are easily mistaken for one another."""
    return Trial(
        data=PlantedManifold(d=8, r=2, n=100, n_test=50),
        model=VAE(kappa=2, encoder=widths),
        objective=Objective(gamma=gamma, beta=1.0 + 0.5 * (act == "adam") + 0.1 * (note == "x")),
        training=Training(steps=1),
        seed=seed,
    )


@pytest.mark.parametrize(
    ("only", "count"),
    [
        ({"act": "adam"}, 12),
        ({"widths": (64, 64)}, 8),
        ({"widths": [(64, 64), ()]}, 16),
        ({"note": ""}, 12),
        ({"gamma": (Learned(), "fixed 0.1"), "note": ["x"]}, 12),
        ({"act": ("adam", "Adam")}, 24),
    ],
)
def test_python_chooses_the_values_that_it_names(only, count, tmp_path):
    assert len(make_plan(grid, "laptop", Home(tmp_path), only_of(only)).rows) == count
