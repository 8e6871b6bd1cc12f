"""What a trained stack generates and reconstructs, as rows of the data."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.streams import BLOCK, draws
from study.train.measure.measure import Measure

PICTURES = 8


@torch.no_grad()
def samples(measure: Measure, purpose: str, n: int) -> Float[Tensor, "pack n d"]:
    """Samples of each trial's model in data space: z ~ N(0, I), and the decoders' means from there on."""
    return measure.inputs.to_data(code_samples(measure, purpose, n))


@torch.no_grad()
def code_samples(measure: Measure, purpose: str, n: int) -> Float[Tensor, "pack n width"]:
    """The same of what the trials decode: of codes, where they stand on a stage.

    A second VAE models the density of latents, so there the decoder's noise is drawn too, as Dai & Wipf (2019) do.
    """
    stack = measure.stack
    out = stack.decode(measure.by_trial(measure.draw_prior(purpose, n)))
    if measure.inputs.is_noisy:
        noise = draws(measure.generators(f"{purpose} noise"), n, stack.d, stack.dtype).to(out.device)
        out = out + measure.gamma.sqrt().to(out.dtype)[:, None, None] * measure.by_trial(noise)
    return out


@torch.no_grad()
def reconstructions(measure: Measure, most: int) -> Float[Tensor, "pack n d"]:
    """The first test examples, at most so many, reconstructed at E[z|x] in data space."""
    parts, left = [], most
    for x, _ in measure.inputs.split("test", BLOCK):
        mu, _ = measure.stack.encode(x[..., :left, :])
        parts.append(measure.inputs.to_data(measure.stack.decode(mu)))
        left -= mu.shape[1]
        if not left:
            break
    return torch.cat(parts, dim=1)


@torch.no_grad()
def pictures(measure: Measure) -> dict[str, np.ndarray]:
    """For image data, (pack, images, *spec.image): test images, their reconstructions at E[z|x], samples, and what is
    decoded along the line from the first image's E[z|x] to the second's."""
    data, inputs, stack = measure.data, measure.inputs, measure.stack
    if data.spec.image is None:
        return {}
    rows = torch.from_numpy(data.test[:PICTURES]).to(stack.device, stack.dtype)
    x, _ = next(inputs.split("test", BLOCK))
    mu, _ = stack.encode(x[..., :PICTURES, :])
    along = torch.linspace(0, 1, len(rows), device=mu.device, dtype=mu.dtype)[:, None]
    line = torch.lerp(mu[:, :1], mu[:, 1:2], along)
    images = {
        "original": rows.expand(len(stack), *rows.shape),
        "reconstruction": inputs.to_data(stack.decode(mu)),
        "sample": samples(measure, "samples", len(rows)),
        "interpolation": inputs.to_data(stack.decode(line)),
    }
    shape = (len(stack), len(rows), *data.spec.image)
    return {
        name: (image.double().cpu().numpy() + data.mean).clip(-6e4, 6e4).astype(np.float16).reshape(shape)
        for name, image in images.items()
    }
