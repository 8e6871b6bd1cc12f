"""Convolutional networks: what they are made of, what they cost, and that a pack of them changes no trial."""

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from painted_pictures import paint
from pydantic import ValidationError
from reference_loop import train_alone
from torch.utils.flop_counter import FlopCounterMode

from models.data import centring
from models.data.disk_rows import DiskRows
from models.data.load import load
from models.metrics import sample_quality as generated
from models.networks.build import build as built
from models.specs.likelihood import MEANS, PerValue
from study import (
    MNIST,
    VAE,
    Digits,
    Fixed,
    ImageFolder,
    ImageVAE,
    Learned,
    LinearMap,
    Objective,
    PlantedManifold,
    Training,
    Trial,
)
from study import load as load_network
from study.declare.table import explain
from study.pack.cost import CPU_CORE, GPU, cost, gains_as_one, largest_useful_pack
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.earlier_results import ground
from study.train.measure.measure import Measure
from study.train.pack_run import PackRun
from study.train.stack import stack as packed_stack
from study.train.stack.build import build_stack
from study.train.stack.stack import Stack
from study.train.step.loop import Training as PackTraining

SKIPS = ("none", "affine", "residual", "concat")
NORMS = ("none", "group")
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Pictures:
    """Data of which nothing is known but their shape."""

    image: tuple[int, ...]

    @property
    def d(self) -> int:
        return prod(self.image)

    @property
    def d_in(self) -> int:
        return self.d

    @property
    def per_value(self) -> PerValue:
        return MEANS


def build(spec: Any, data: Any, seed: int) -> Any:
    return built(spec, data, seed)


def a_trial(model=None, data=None, gamma=None, seed=0, beta=1.0, after=None, samples=0, **training):
    return Trial(
        data=data or Digits(),
        model=model or ImageVAE(kappa=3, channels=(4, 6), log_var_scale=0.1),
        objective=Objective(gamma=gamma or Fixed(0.1), beta=beta),
        training=Training(**({"steps": 20, "batch": 32, "lr": 3e-3} | training)),
        seed=seed,
        after=after,
        samples=samples,
    )


@pytest.mark.parametrize("skip", SKIPS)
@pytest.mark.parametrize(
    ("image", "channels"),
    [((28, 28), (3, 5)), ((32, 32), (4, 4, 8)), ((64, 64, 3), (4,) * 4), ((128, 128, 3), (2,) * 5), ((12, 20), (3, 4))],
)
def test_networks_of_every_size_are_as_declared(image, channels, skip):
    """Rows in, rows out, as many parameters, and the multiplications that torch itself counts; any batch will do."""
    data = Pictures(image)
    choices: list[tuple[Any, int]] = [("none", 1), ("group", 2)]
    for norm, blocks in choices:
        spec = ImageVAE(kappa=7, channels=channels, blocks=blocks, norm=norm, skip=skip)
        network = build(spec, data, seed=0)
        assert sum(parameter.numel() for parameter in network.parameters()) == spec.parameters(data)
        rows = torch.randn(2, 1, data.d)
        with torch.no_grad(), FlopCounterMode(display=False) as counted:
            mu, log_var = network.encode(rows)
            mean = network.decode(mu)
        assert (mu.shape, log_var.shape, mean.shape) == ((2, 1, 7), (2, 1, 7), rows.shape)
        assert 2 * 2 * spec.products(data) == pytest.approx(counted.get_total_flops(), rel=1e-3)
        with torch.no_grad():
            assert torch.allclose(network.encode(rows[0, 0])[0], mu[0, 0], rtol=1e-4, atol=1e-5)


def test_a_picture_comes_in_and_goes_out_as_height_width_colour():
    """A stage sees only what lies near: a pixel of the row that changes moves the features of its own corner."""
    network = build(ImageVAE(kappa=2, channels=(4,), blocks=0), Pictures((8, 12, 3)), seed=0)
    rows = torch.zeros(2, 8 * 12 * 3)
    rows.unflatten(-1, (8, 12, 3))[1, 0, 11, 2] = 1.0  # the upper right corner, in the last colour
    features = network.encoder(rows.unflatten(-1, (8, 12, 3)).movedim(-1, -3))
    assert (features[1] != features[0]).any(0).nonzero().tolist() == [[0, 5]]
    with torch.no_grad():
        network.decoder[0][0].convolution.bias.copy_(torch.tensor([0.0, 0.0, 5.0]))
        network.first.weight.zero_()
    assert network.decode(torch.zeros(1, 2)).unflatten(-1, (8, 12, 3)).mean((0, 1, 2)).tolist() == [0.0, 0.0, 5.0]


def test_the_doubling_of_resolution_can_be_any_convolution_of_the_nearest_pixels():
    """Odena et al.'s remedy against checkerboards is a special case of the kernel that the decoder has."""
    kernel, h = torch.randn(2, 3, 3, 3), torch.randn(4, 3, 5, 6)
    doubled = torch.nn.functional.interpolate(h, scale_factor=2, mode="nearest")
    a, b, c = torch.eye(3)
    spread = torch.stack([c, b + c, a + b, a])  # which of three weights falls on each of four, along one side
    wide = torch.einsum("oikl,yk,xl->ioyx", kernel, spread, spread)
    ours = torch.nn.functional.conv_transpose2d(h, wide, stride=2, padding=1)
    assert torch.allclose(ours, torch.nn.functional.conv2d(doubled, kernel, padding=1), atol=1e-5)


@pytest.mark.parametrize("skip", SKIPS)
@pytest.mark.parametrize("norm", NORMS)
def test_scale_and_origin_of_a_latent_are_free(skip, norm):
    """What E z_j² = 1 and E μ_j = 0 at every stationary point rest on: other weights decode (z_j − a)/c as these do z_j."""
    spec, scale, shift = ImageVAE(kappa=2, channels=(4, 6), skip=skip, norm=norm), 3.0, 0.7
    network, other = (build(spec, Pictures((12, 8)), seed=0).double() for _ in range(2))
    biases = {"first": "first.bias", "affine": "affine.bias"}
    biases |= {f"feeds.{i}": f"decoder.{i}.{spec.blocks}.convolution.bias" for i in range(2)}
    weights, moved = dict(network.named_parameters()), dict(other.named_parameters())
    with torch.no_grad():
        for layer, bias in biases.items():
            if (column := weights.get(f"{layer}.weight")) is not None:
                moved[f"{layer}.weight"][:, 1] *= scale
                moved[bias] += shift * column[:, 1]
    z = torch.randn(5, 2, dtype=torch.float64)
    elsewhere = z.clone()
    elsewhere[:, 1] = (z[:, 1] - shift) / scale
    assert torch.allclose(other.decode(elsewhere), network.decode(z), atol=1e-12)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: a_trial(data=PlantedManifold()),
            "Trial an ImageVAE takes pictures, and these data are none: take a VAE, or declare their image",
        ),
        (lambda: a_trial(data=LinearMap()), "these data are none"),
        (
            lambda: a_trial(data=MNIST(), model=ImageVAE(kappa=2, channels=(4, 4, 4))),
            "Trial pictures of 28×28 pixels cannot be halved 3 times, once for each of the channels: "
            "declare 2 channels at most, or crop or pad them to multiples of 8",
        ),
        (lambda: ImageVAE(kappa=2, channels=()), "ImageVAE.channels"),
        (lambda: ImageVAE(kappa=2, norm="batch"), "ImageVAE.norm should be 'none' or 'group', not 'batch'"),  # pyright: ignore[reportArgumentType]
        (lambda: ImageVAE(kappa=2, blocks=0, skip="residual"), "an identity around blocks, and blocks = 0"),
        (lambda: ImageVAE(kappa=2, post_var=(1.0,)), "1 posterior variances do not fit kappa = 2"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(make, sentence):
    with pytest.raises(ValidationError) as fault:
        make()
    assert sentence in explain(fault.value)


def test_pictures_with_odd_sides_are_refused_where_they_are_declared_and_where_they_are_built():
    with pytest.raises(
        ValueError, match=r"27×30 pixels cannot be halved 1 times.*: crop or pad them to multiples of 2$"
    ):
        build(ImageVAE(kappa=2, channels=(4,)), Pictures((27, 30)), seed=0)


VARIANTS = [(skip, norm, "amortised") for skip, norm in product(SKIPS, NORMS)]
VARIANTS += [("none", "group", "shared"), ("residual", "none", "none"), ("concat", "none", (0.5, 0.1, 1.0))]


@pytest.mark.parametrize(("skip", "norm", "post_var"), VARIANTS)
def test_a_stack_is_its_networks_whichever_way_it_is_carried(skip, norm, post_var):
    """Outputs, gradients and decoder slopes of three networks, against each network alone, in float64."""
    prior = 1.0 if post_var == "none" else 1.5
    model = ImageVAE(
        kappa=3, channels=(4, 6), skip=skip, norm=norm, post_var=post_var, prior_std=prior, activation="gelu"
    )
    beta = 0.0 if post_var == "none" else 1.0
    trials = [a_trial(model=model, seed=seed, beta=beta, dtype="float64") for seed in range(3)]
    x, z = torch.randn(3, 5, 64, dtype=torch.float64), torch.randn(3, 5, 3, dtype=torch.float64)
    alone = [of_one(trial, *rows) for trial, *rows in zip(trials, x, z, strict=True)]
    for way in ("together", "one by one"):
        stack = Stack(trials, gammas(trials), CPU, way)
        mu, log_var = stack.encode(x)
        mean = stack.decode(z)
        value = mean.square().sum((1, 2)) + mu.sum((1, 2)) + log_var.square().sum((1, 2))
        gradients = torch.autograd.grad(value.sum(), stack.trained[:-1])
        named = stack.weights()
        stack.numbers[:, :-1].copy_(torch.cat([slope.reshape(3, -1) for slope in gradients], 1))
        found = [mu, log_var, mean, *named.values()]  # the weights are now the gradients, in a network's own layout
        for ours, theirs in zip(found, zip(*alone, strict=True), strict=True):
            assert torch.allclose(ours, torch.stack(theirs), rtol=1e-9, atol=1e-11)


def gammas(trials):
    return [trial.objective.gamma for trial in trials]


def of_one(trial, x, z):
    """Outputs of one network, and its gradients."""
    network = build(trial.model, trial, trial.weights_seed).double()
    mu, log_var = network.encode(x)
    mean = network.decode(z)
    gradients = torch.autograd.grad(mean.square().sum() + mu.sum() + log_var.square().sum(), list(network.parameters()))
    return [mu, log_var, mean, *gradients]


def test_both_ways_agree_about_how_fast_the_decoder_moves(monkeypatch):
    """And with the Jacobian, whatever the number of pictures that are taken at once."""
    monkeypatch.setattr(packed_stack, "PICTURES_AT_ONCE", 4)
    trials = [a_trial(seed=seed, dtype="float64") for seed in range(2)]
    z = torch.randn(2, 6, 3, dtype=torch.float64)
    ways = [Stack(trials, gammas(trials), CPU, way).decoder_slopes(z) for way in ("together", "one by one")]
    column = torch.func.vmap(
        torch.func.jacrev(build(trials[0].model, trials[0], trials[0].weights_seed).double().decode)
    )(z[0])
    assert torch.allclose(ways[0], ways[1], rtol=1e-9)
    assert torch.allclose(ways[0][0], column.square().sum(1).mean(0).sqrt(), rtol=1e-9)


def trained(trials):
    stack, inputs = build_stack(trials, load(trials[0].data), CPU)
    training = PackTraining(stack, trials, inputs)
    while not training.done:
        training.advance(60)
    return training, inputs


@pytest.fixture(scope="module")
def pack():
    """Two trials, and what a plain loop of one module and torch.optim.Adam makes of each."""
    model = ImageVAE(kappa=3, channels=(4, 6), norm="group", skip="residual", log_var_scale=0.1)
    trials = [a_trial(model), a_trial(model, gamma=Learned(lr=1e-2), seed=1)]
    return trials, [train_alone(trial) for trial in trials]


@pytest.mark.parametrize("gains", [True, False])
def test_packing_changes_no_trial(pack, gains, monkeypatch):
    """Carried together and one by one, a pack agrees with the plain loop to 1e-5 relative."""
    monkeypatch.setattr(packed_stack, "gains_as_one", lambda *_: gains)
    trials, alone = pack
    training, inputs = trained(trials)
    assert training.stack.way == ("together" if gains else "one by one")
    measure = Measure(training.stack, trials, load(Digits()), inputs)
    for index, reference in enumerate(alone):
        assert float(measure.train.distortion[index]) == pytest.approx(reference.distortion, rel=1e-5)
        assert float(measure.train.rate[index]) == pytest.approx(reference.rate, rel=1e-5)
        assert float(measure.gamma[index]) == pytest.approx(reference.gamma, rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_no_parameter_is_left_to_rounding_errors(norm):
    """A bias before the norm of a single channel would have no gradient, and Adam would make steps of its noise."""
    trial = a_trial(ImageVAE(kappa=3, channels=(4, 32), norm=norm, activation="tanh"))
    network, rows = build(trial.model, Digits(), 0), torch.from_numpy(load(Digits()).train[:64])
    mu, log_var = network.encode(rows)
    value = (rows - network.decode(mu)).square().sum() + log_var.square().sum()
    slopes = torch.autograd.grad(value, list(network.parameters()))
    assert min(float(slope.abs().max()) for slope in slopes) > 1e-3


@pytest.mark.parametrize("skip", SKIPS)
def test_fifty_steps_lower_the_objective(skip):
    model = ImageVAE(kappa=3, channels=(8, 8), skip=skip, log_var_scale=0.1)
    training, _ = trained([a_trial(model, steps=50)])
    values = [float(point["objective"][0]) for _, point in training.curves.points]
    assert values[-1] < values[0] - 5
    assert max(values[-5:]) < sum(values[:5]) / 5


def test_depth_does_not_add_up():
    """Sixteen blocks of a half start with about the scale of two, without a norm."""
    shallow, deep = (
        build(ImageVAE(kappa=3, channels=(16, 16), blocks=blocks, skip="residual"), Pictures((16, 16)), seed=0)
        for blocks in (1, 8)
    )
    x, z = torch.randn(50, 256), torch.randn(50, 3)
    with torch.no_grad():
        for method, inputs in (("encode", x), ("decode", z)):
            one, other = (torch.cat([*getattr(network, method)(inputs)]).std() for network in (shallow, deep))
            assert one / 2 < other < 2 * one


def test_the_records_hold_a_network_that_can_be_had_again(tmp_path):
    home, trial = Home(tmp_path), a_trial(steps=5)
    run = recorded(trial, home)
    (row,) = read(home, "trials").to_pylist()
    assert (row["model"], row["kappa"], row["skip"]) == ("ImageVAE", 3, "none")
    assert row["parameters"] == trial.model.parameters(trial.data)
    network: Any = load_network(trial.trial_id, home)
    x = torch.from_numpy(load(Digits()).test[:4])
    with torch.no_grad():
        assert torch.allclose(network.encode(x)[0], run.training.stack.encode(x)[0][0], atol=1e-6)


def recorded(trial, home):
    run = PackRun(make_pack([trial], {}), "cpu", home)
    while not run.done:
        run.advance(10)
    run.commit(home)
    return run


@pytest.fixture
def on_the_disk(tmp_path, monkeypatch):
    """Thirty pictures of 16×16 pixels in colour, ten of them for the test set, that are taken to be too large for memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(centring, "IN_MEMORY", 0)
    return ImageFolder.of(paint(tmp_path / "faces", 30, 16), 16, every=3)


def test_a_vae_stands_on_a_convolutional_autoencoder(tmp_path, on_the_disk):
    """Its codes lead back to pictures: what the records measure and sample are pictures, read from the disk."""
    home, data = Home(tmp_path / "home"), load(on_the_disk)
    assert isinstance(data.train, DiskRows)
    model = ImageVAE(kappa=5, channels=(8, 8), activation="gelu", post_var="none")
    first = a_trial(model, on_the_disk, Fixed(0.5), beta=0, batch=10, steps=150)
    second = a_trial(
        VAE(kappa=3, encoder=(8,), decoder=(8,)), on_the_disk, Learned(), after=first, samples=10, batch=10
    )
    assert (second.d, second.image) == (5, None)
    for trial in (first, second):
        recorded(trial, home)
    rows = {row["trial_id"]: row for row in read(home, "trials").to_pylist()}
    ours, theirs = (rows[trial.trial_id] for trial in (second, first))
    assert (theirs["stage"], theirs["status"], theirs["rate_test"]) == ("autoencoder", "finished", None)
    assert (ours["stage"], ours["status"], ours["stages"]) == ("vae", "finished", [first.trial_id])
    (frozen,) = ground([second], data, home, CPU).stages
    assert frozen is not None
    network: Any = load_network(first.trial_id, home)
    x = torch.from_numpy(data.test[:])
    with torch.no_grad():
        pictures = network.decode(network.encode(x)[0])
    assert torch.allclose(frozen.decode(frozen.codes["test"]), pictures, atol=1e-5)
    assert theirs["distortion_data_test"] == pytest.approx(float((x - pictures).square().sum(1).mean()), rel=1e-5)
    assert theirs["nre_data_test"] < 0.75 < ours["nre_data_test"] < 1.5  # which has hardly begun to learn the codes
    evaluated = {row["metric"] for row in read(home, "evaluations").to_pylist() if row["trial_id"] == second.trial_id}
    assert {"mmd_x", "kd_conv", "kd_conv_null", "kd_conv_recon"} <= evaluated


def test_a_reference_reads_no_more_pictures_than_it_needs(on_the_disk, monkeypatch):
    monkeypatch.setattr(generated, "FITTED", 7)
    monkeypatch.setattr(generated, "HELD_OUT", 4)
    held = generated._reference.__wrapped__(on_the_disk.model_dump_json())
    assert [len(rows) for rows in (held.fitted, held.held_out, held.test)] == [7, 4, 4]
    kept, train = {row.tobytes() for row in (*held.fitted, *held.held_out)}, load(on_the_disk).train[:]
    assert len(kept) == 11
    assert kept < {row.tobytes() for row in train}


def test_codes_are_no_pictures():
    first = a_trial(ImageVAE(kappa=5, channels=(4,), post_var="none"), beta=0)
    with pytest.raises(ValidationError, match="takes pictures, and these data are none"):
        a_trial(after=first)


def of_size(side, channels, **changes):
    return a_trial(ImageVAE(kappa=8, channels=channels, **changes), Pictures28 if side == 28 else Digits(), batch=128)


Pictures28 = MNIST()


def test_packs_are_chosen_where_they_gain():
    """On a CPU core packs of 8×8 pictures gain, of 28×28 with sixteen channels and more they do not; a GPU is unmeasured."""
    small, large = of_size(8, (8,)), of_size(28, (32, 64))
    assert largest_useful_pack(small, CPU_CORE) >= 8
    assert gains_as_one(small, CPU_CORE)
    for trial, device in ((large, CPU_CORE), (large, GPU), (small, GPU)):
        assert largest_useful_pack(trial, device) == 1
        assert not gains_as_one(trial, device)


def test_a_convolution_costs_by_its_pixels():
    spec = ImageVAE(kappa=2, channels=(8, 8))
    small, large = (spec.products(Pictures((side, side))) for side in (32, 64))
    assert large == pytest.approx(4 * small, rel=1e-2)
    assert cost(of_size(28, (8, 8))) == pytest.approx(12.25 * cost(of_size(8, (8, 8))), rel=0.05)


@pytest.mark.parametrize(
    "changes", [{}, {"norm": "group"}, {"activation": "gelu"}, {"blocks": 3}, {"skip": "residual"}]
)
def test_what_a_backward_pass_keeps_is_foretold(changes):
    data, spec, kept = Pictures((64, 64)), ImageVAE(kappa=4, channels=(8, 16, 16), **changes), {}
    network = build(spec, data, seed=0)
    weights = {parameter.data_ptr() for parameter in network.parameters()}

    def keep(tensor):
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = network.decode(network.encode(torch.randn(2, data.d))[0])
    assert outputs.requires_grad
    assert sum(tensor.numel() for tensor in kept.values()) / 2 == pytest.approx(spec.kept(data), rel=0.1)
