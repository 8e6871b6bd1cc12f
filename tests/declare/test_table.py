"""Tables: their rows, their labels, and the sentences that refuse a wrong one."""

import pytest

from study import VAE, Digits, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study
from study.catalog.grid_gamma.table import grid_gamma
from study.declare.axes import labels_of
from study.errors import DeclarationError, FaultsError
from study.launch.find import catalog_names, find


def a_trial(**changes):
    fields = {
        "data": Digits(),
        "model": VAE(kappa=8),
        "objective": Objective(gamma=Fixed(1.0)),
        "training": Training(steps=10),
        "seed": 0,
    }
    return Trial(**(fields | changes))


def declare(**axes):
    @study(**axes)
    def table(kappa: int, seed: int) -> Trial:
        """A table."""
        return a_trial(model=VAE(kappa=kappa), seed=seed)

    return table


def test_reordering_a_table_renames_no_trial():
    def ids(kappas, seeds):
        @study(kappa=kappas, seed=seeds)
        def table(kappa: int, seed: int) -> Trial:
            """A table."""
            return a_trial(model=VAE(kappa=kappa), seed=seed)

        return {row.trial.trial_id for row in table.table("laptop").rows()}

    assert ids([2, 4, 8], range(3)) == ids([8, 2, 4], [2, 0, 1])
    assert ids([2, 4], range(3)) < ids([2, 4, 8], range(4))


def test_values_that_differ_never_share_a_label():
    @study(
        data=[PlantedManifold(), PlantedManifold(noise=0.1), PlantedManifold(seed=3)],
        gamma=[Learned(), Learned(lr=1e-2), Learned(init=0.1, lr=1e-2), Fixed(1), Fixed(1.0)],
    )
    def table(data, gamma) -> Trial:
        """A table of near relations."""
        return a_trial(data=data, objective=Objective(gamma=gamma))

    labels = table.table("laptop").labels
    assert labels["data"] == ("manifold r=3", "manifold r=3 noise=0.1", "manifold r=3 seed=3")
    assert labels["gamma"] == ("learned", "learned lr=0.01", "learned init=0.1 lr=0.01", "fixed 1", "fixed 1")


def test_one_number_typed_in_two_ways_is_one_value():
    rows = declare(kappa=[1, 1.0, 2], seed=[0]).table("laptop").rows()
    assert [row.axes["kappa"] for row in rows] == [1, 1, 2]
    assert len({row.trial.trial_id for row in rows}) == 2
    assert [str(text) for text in labels_of("table", "x", (1, 1.0, "a"))] == ["1", "1", "a"]  # a column of text


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"kappa": [], "seed": [0]}, "the axis kappa is empty"),
        ({"kappa": [2], "seed": [0], "beta": [1.0]}, "the axis beta is not a parameter"),
        ({"kappa": [2]}, "the parameter seed has no axis"),
        ({"kappa": 2, "seed": [0]}, "the axis kappa is not a list"),
        ({"kappa": [2], "seed": [0], "status": [1]}, "the axis status has the name of a recorded column"),
        ({"kappa": [2], "seed": [0], "stage": [1]}, "the axis stage has the name of a recorded column"),
    ],
)
def test_a_wrong_table_is_refused_when_it_is_declared(axes, words):
    with pytest.raises(DeclarationError, match=words):
        declare(**axes)


def test_a_row_that_makes_no_valid_trial_names_itself():
    with pytest.raises(
        DeclarationError, match=r"table\(kappa=0, seed=1\): VAE.kappa should be greater than or equal to 1"
    ):
        declare(kappa=[0], seed=[1]).table("laptop").rows()


def test_a_row_for_which_the_function_returns_none_is_left_out():
    @study(kappa=[2, 3], seed=[0, 1])
    def table(kappa, seed):
        """Not every κ meets every seed."""
        return a_trial(model=VAE(kappa=kappa), seed=seed) if kappa == 2 or seed == 0 else None

    hand_over = table.table("laptop")
    assert [tuple(row.axes.values()) for row in hand_over.rows()] == [(2, 0), (2, 1), (3, 0)]
    assert len(hand_over) == 4


def test_the_grid_is_declared_at_both_scales():
    laptop, paper = (grid_gamma.table(scale).rows() for scale in ("laptop", "paper"))
    assert len({row.trial.trial_id for row in laptop}) == len(laptop) >= 150
    assert len({row.trial.trial_id for row in paper}) == len(paper) >= 2000
    assert {row.trial.model.kappa for row in paper} >= {50, 784}
    assert len({row.axes["seed"] for row in laptop}) >= 3


def test_every_study_of_the_catalog_is_found_by_its_name():
    for name in catalog_names():
        assert find(name).name == name
        assert find(name).caption


def test_all_rows_that_make_no_trial_are_told_each_fault_once():
    @study(beta=[1.0, -1.0], kappa=[2, 0], seed=range(2))
    def wrong(beta, kappa, seed):
        """Two faults in eight rows."""
        if kappa == 0:
            raise RuntimeError("no latents")
        return a_trial(objective=Objective(gamma=Fixed(1.0), beta=beta), seed=seed)

    with pytest.raises(FaultsError) as told:
        wrong.table("laptop").rows()
    first, second = told.value.faults
    assert first.startswith("wrong(beta=1.0, kappa=0, seed=0), line")
    assert first.endswith("raised RuntimeError: no latents: fix the study's function (and 3 more of its rows)")
    assert second.startswith("wrong(beta=-1.0, kappa=2, seed=0): Objective.beta")
    assert second.endswith("(and 1 more of its rows)")
