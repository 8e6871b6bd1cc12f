"""What the device itself can do, measured in the same run: matrix products and copies. Shares of the limit refer to it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.gpu.budget import Deadline
from benchmarks.gpu.findings import Line, in_a_line

SPAN_S = 0.25
"""Seconds that one measurement takes, at most a few of its runs longer."""


@dataclass(frozen=True)
class Product:
    """Square matrices, or a batch of a layer's: (batch, rows, inputs) by (batch, inputs, outputs)."""

    name: str
    batch: int
    rows: int
    inputs: int
    outputs: int

    def operands(self, dtype: torch.dtype, device: str) -> tuple[Tensor, Tensor]:
        """Random numbers: zeros can run faster than data do."""
        left = torch.randn(self.batch, self.rows, self.inputs, device=device).to(dtype)
        right = torch.randn(self.batch, self.inputs, self.outputs, device=device).to(dtype)
        return (left, right) if self.batch > 1 else (left[0], right[0])

    @property
    def flops(self) -> float:
        """Operations of one product, two for each multiplication."""
        return 2.0 * self.batch * self.rows * self.inputs * self.outputs


def products(is_gpu: bool, is_quick: bool) -> list[Product]:
    """One large product, and batches as packs of `planted` and `mnist` have them in a layer."""
    side, pack = (8192, 1024) if is_gpu else (256, 16) if is_quick else (1024, 64)
    return [
        Product(f"{side}×{side}", 1, side, side, side),
        Product(f"{pack} of 128×64 by 64×64", pack, 128, 64, 64),
        Product(f"{pack} of 128×256 by 256×256", pack, 128, 256, 256),
    ]


PRECISIONS = {
    "fp32": (torch.float32, "highest"),
    "tf32": (torch.float32, "high"),
    "bf16": (torch.bfloat16, "highest"),
}


def measure(device: str, is_quick: bool, deadline: Deadline) -> Iterator[Line]:
    """Lines of products, fp32 first, then of copies. Training takes fp32; the others are for reference."""
    is_gpu = device.startswith("cuda")
    mib = 1024 if is_gpu else 16 if is_quick else 256
    questions: list[tuple[str, str, str, float, Callable[[], Callable[[], object]]]] = [
        (name, each.name, "TFLOP/s", each.flops / 1e12, lambda e=each, p=name: _multiply(e, p, device))
        for name in PRECISIONS
        if is_gpu or name != "tf32"
        for each in products(is_gpu, is_quick)
    ]
    # A copy reads every byte and writes it.
    copy = ("copy", f"{mib} MiB", "GB/s", 2 * mib * 2**20 / 1e9, lambda: _copy(mib, device))
    for name, of, unit, amount, make in [*questions[:3], copy, *questions[3:]]:
        line = {"what": name, "of": of, "unit": unit}
        if deadline.left <= 0:
            yield line | {"value": None, "why": "no time was left"}
            continue
        try:
            yield line | {"value": amount / _least_seconds(make(), device, 0.02 if is_quick else SPAN_S)}
        except Exception as fault:  # what one precision cannot do must not end the run
            yield line | {"value": None, "why": in_a_line(fault)}
        finally:
            torch.set_float32_matmul_precision("highest")


def best(lines: list[Line], what: str) -> float | None:
    """The highest value that was measured of one thing, in its unit."""
    return max((line["value"] for line in lines if line["what"] == what and line["value"]), default=None)


def _multiply(product: Product, precision: str, device: str) -> Callable[[], object]:
    dtype, setting = PRECISIONS[precision]
    torch.set_float32_matmul_precision(setting)
    left, right = product.operands(dtype, device)
    out = left @ right
    return lambda: torch.matmul(left, right, out=out)


def _copy(mib: int, device: str) -> Callable[[], object]:
    source = torch.rand(mib * 2**18, device=device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def _least_seconds(run: Callable[[], object], device: str, span_s: float) -> float:
    """Seconds of one run: the least of chunks, each long enough that starting it does not count."""
    for _ in range(3):
        run()
    chunk, least, end = 1, float("inf"), time.monotonic() + span_s
    while time.monotonic() < end:
        seconds = timed(run, chunk, device)
        least = min(least, seconds / chunk)
        if seconds < span_s / 8:
            chunk *= 2
    return least


def timed(run: Callable[[], object], times: int, device: str) -> float:
    """Seconds of so many runs: the clock's on a GPU, the process's own on a CPU, which other programs hardly change."""
    clock = time.perf_counter if device.startswith("cuda") else time.process_time
    synchronise(device)
    start = clock()
    for _ in range(times):
        run()
    synchronise(device)
    return clock() - start


def synchronise(device: str) -> None:
    """Wait for what was launched."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
