"""On a GPU, packs train what a plain loop trains, and no fault spreads: the checks of `python -m benchmarks.gpu`.

Each is tried on the CPU as well, at next to no size, by `tests/project/test_gpu_benchmark.py`.
"""

import pytest
import torch

from benchmarks.gpu.correctness import WHOLE, Checks
from benchmarks.gpu.ways import NOT_BUILT
from study.run.worker import reason_of

NAMES = list(Checks("cuda").by_name())

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU on this machine"),
]


@pytest.fixture(scope="module")
def checks():
    return Checks("cuda", WHOLE).by_name()


@pytest.mark.parametrize("name", NAMES)
def test_training_on_a_gpu_is_right(checks, name):
    line = checks[name]()
    if line["status"] == NOT_BUILT:
        pytest.skip(f"{name}: this way of taking steps is not built")
    assert line["status"] == "passed", line


def test_a_gpu_without_memory_says_so_in_words_that_a_worker_knows():
    with pytest.raises(torch.OutOfMemoryError) as fault:
        torch.empty(2**60, dtype=torch.uint8, device="cuda")
    assert reason_of(fault.value).startswith("out of memory")
