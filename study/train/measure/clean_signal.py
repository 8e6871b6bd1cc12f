"""How far reconstructions of noisy test examples lie from the signal beneath the noise, where that is planted."""

import torch

from models.loss.objective import squared_error
from models.metrics.measurement import Measurement
from models.streams import BLOCK
from study.train.measure.measure import Measure, Row


@torch.no_grad()
def clean_rows(measure: Measure) -> list[Row]:
    """One evaluation row a trial: E‖s − m(E[z|x])‖² over the test set, in data², through the decoders of earlier stages."""
    stack, inputs = measure.stack, measure.inputs
    assert measure.data.clean is not None, "data without noise are for no such metric"
    signal = torch.from_numpy(measure.data.clean).to(stack.device, torch.float64).split(BLOCK)
    errors = torch.cat(
        [
            squared_error(clean, inputs.to_data(stack.decode(stack.encode(x)[0])).double())
            for clean, (x, _) in zip(signal, inputs.split("test", BLOCK), strict=True)
        ],
        dim=1,
    )
    n = errors.shape[1]
    return [
        Measurement("clean_error", float(each.mean()), float(each.std() / n**0.5), n, trial.seed).row
        for trial, each in zip(measure.trials, errors, strict=True)
    ]
