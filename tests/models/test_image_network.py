"""Convolutional networks: what they are made of, what they cost, and which are refused."""

from typing import Any

import pytest
import torch
from image_trials import NORMS, SKIPS, Pictures, a_trial, network_of
from pydantic import ValidationError
from torch.utils.flop_counter import FlopCounterMode

from models.data.load import load
from study import (
    MNIST,
    Digits,
    ImageVAE,
    LinearMap,
    PlantedManifold,
)
from study.declare.table import explain
from study.pack.cost import CPU_CORE, GPU, cost, gains_as_one, largest_useful_pack


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
        network = network_of(spec, data, seed=0)
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
    network = network_of(ImageVAE(kappa=2, channels=(4,), blocks=0), Pictures((8, 12, 3)), seed=0)
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
    network, other = (network_of(spec, Pictures((12, 8)), seed=0).double() for _ in range(2))
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
        network_of(ImageVAE(kappa=2, channels=(4,)), Pictures((27, 30)), seed=0)


@pytest.mark.parametrize("norm", NORMS)
def test_no_parameter_is_left_to_rounding_errors(norm):
    """A bias before the norm of a single channel would have no gradient, and Adam would make steps of its noise."""
    trial = a_trial(ImageVAE(kappa=3, channels=(4, 32), norm=norm, activation="tanh"))
    network, rows = network_of(trial.model, Digits(), 0), torch.from_numpy(load(Digits()).train[:64])
    mu, log_var = network.encode(rows)
    value = (rows - network.decode(mu)).square().sum() + log_var.square().sum()
    slopes = torch.autograd.grad(value, list(network.parameters()))
    assert min(float(slope.abs().max()) for slope in slopes) > 1e-3


def test_depth_does_not_add_up():
    """Sixteen blocks of a half start with about the scale of two, without a norm."""
    shallow, deep = (
        network_of(ImageVAE(kappa=3, channels=(16, 16), blocks=blocks, skip="residual"), Pictures((16, 16)), seed=0)
        for blocks in (1, 8)
    )
    x, z = torch.randn(50, 256), torch.randn(50, 3)
    with torch.no_grad():
        for method, inputs in (("encode", x), ("decode", z)):
            one, other = (torch.cat([*getattr(network, method)(inputs)]).std() for network in (shallow, deep))
            assert one / 2 < other < 2 * one


def test_codes_are_no_pictures():
    first = a_trial(ImageVAE(kappa=5, channels=(4,), post_var="none"), beta=0)
    with pytest.raises(ValidationError, match="takes pictures, and these data are none"):
        a_trial(after=first)


def of_size(side, channels, **changes):
    return a_trial(ImageVAE(kappa=8, channels=channels, **changes), MNIST() if side == 28 else Digits(), batch=128)


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
    network = network_of(spec, data, seed=0)
    weights = {parameter.data_ptr() for parameter in network.parameters()}

    def keep(tensor):
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = network.decode(network.encode(torch.randn(2, data.d))[0])
    assert outputs.requires_grad
    assert sum(tensor.numel() for tensor in kept.values()) / 2 == pytest.approx(spec.kept(data), rel=0.1)
