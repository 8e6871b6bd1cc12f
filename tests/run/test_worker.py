"""What an actor makes of a fault while it trains: a reason in one line, and a worker that cannot go on ends."""

import pytest
import torch
from rich.console import Console

from study.launch.listeners import Watch
from study.launch.progress_bar import Bar
from study.pack.pack import make_pack
from study.record import Home, read
from study.run import ray_connection as connection
from study.run import ray_tune as schedule
from study.run import rounds as conduct
from study.run.worker import FAULT, Trainer

CUDA_OOM = (
    "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.11 GiB of which 3 MiB is free."
)


def failing(monkeypatch, fault):
    """A trainer whose every step raises."""
    trainer = Trainer("memory://nowhere", "pack", "cuda")

    def fail():
        raise fault

    monkeypatch.setattr(trainer, "_advance", fail)
    return trainer


@pytest.mark.parametrize(
    "fault",
    [
        torch.cuda.OutOfMemoryError(CUDA_OOM),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: 8 bytes"),
        MemoryError(),
    ],
)
def test_memory_that_is_not_to_be_had_is_named_wherever_it_is_missing(monkeypatch, fault):
    reason = failing(monkeypatch, fault).step()[FAULT]
    assert reason.startswith("out of memory (")
    assert "\n" not in reason


def test_a_fault_that_the_device_does_not_get_over_ends_the_worker(monkeypatch):
    """Else every further pack of the same worker would be told to have failed."""
    trainer = failing(monkeypatch, RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with"))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        trainer.step()


def test_a_fault_of_the_pack_is_a_result_and_the_worker_goes_on(monkeypatch):
    assert failing(monkeypatch, ValueError("no")).step() == {"done": True, FAULT: "ValueError: no"}


def test_a_pack_too_large_for_the_device_is_halved_until_it_fits(tmp_path, make_trial, monkeypatch):
    trials = [make_trial(seed=seed) for seed in range(8)]
    sizes = []

    def run(packs, *_):
        sizes.append([len(pack.trials) for pack in packs])
        return {pack.pack_id: f"out of memory ({CUDA_OOM})" for pack in packs if len(pack.trials) > 2}

    watch = Watch(Bar(Console(quiet=True), len(trials), 0), {})
    monkeypatch.setattr(schedule, "run", run)
    conduct._train_in_rounds(
        [make_pack(trials, {})], Home(tmp_path), connection.Cluster(connection.pools_of({"CPU": 1, "GPU": 1})), watch
    )
    assert sizes == [[8], [4, 4], [2, 2, 2, 2]]
    assert read(Home(tmp_path), "trials").num_rows == 0, "a pack that was only too large was recorded as failed"
