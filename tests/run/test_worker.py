"""What a worker makes of a fault while it trains: a reason in one line, and a worker that cannot go on ends."""

import pytest
import torch
from event_log import EventLog

from study.pack.cost import CPU_CORE, GPU
from study.pack.devices import Pool
from study.pack.handover import hand_over
from study.pack.pack import make_pack
from study.record import Home, read
from study.run.rounds import train_round
from study.run.worker import FAILED, Worker

CUDA_OOM = (
    "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.11 GiB of which 3 MiB is free."
)


def failing(monkeypatch, fault):
    """A worker whose every step raises."""
    worker = Worker("memory://nowhere", "pack", "cuda")

    def fail():
        raise fault

    monkeypatch.setattr(worker, "_advance", fail)
    return worker


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
def test_memory_that_cannot_be_had_is_named_wherever_it_is_missing(monkeypatch, fault):
    reason = failing(monkeypatch, fault).step()[FAILED]
    assert reason.startswith("out of memory (")
    assert "\n" not in reason


def test_a_fault_that_the_device_does_not_get_over_ends_the_worker(monkeypatch):
    """Else every further pack of the same worker would seem to have failed."""
    worker = failing(monkeypatch, RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with"))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        worker.step()


def test_a_fault_of_the_pack_is_a_result_and_the_worker_goes_on(monkeypatch):
    assert failing(monkeypatch, ValueError("no")).step() == {"done": True, FAILED: "ValueError: no"}


def test_a_long_pack_says_that_it_is_trained_before_it_is_measured(make_trial, tmp_path, monkeypatch):
    """To measure its trials may take as long: whoever watches sees that no step is left."""
    monkeypatch.setattr("study.run.worker.SLICE_S", 1e-5)
    pack = make_pack([make_trial()], {})
    with hand_over(Home(tmp_path), [pack], print):
        worker, reports = Worker(str(tmp_path), pack.pack_id, "cpu"), []
        while not reports or "done" not in reports[-1]:
            reports.append(worker.step())
    slices = [report for report in reports[:-1] if report["taken"]]  # one that began late may take no step
    assert [report["step"] for report in slices] == list(range(1, 61))
    assert all(report["taken"] == 1 and report["took_s"] > 0 for report in slices)
    assert reports[-1] == {"done": True}


class Cramped:
    """An executor whose devices have memory for two trials."""

    pools = (Pool(GPU, 1), Pool(CPU_CORE, 1))

    def __init__(self):
        self.sizes = []

    def run(self, packs, home, listener):
        self.sizes.append([len(pack.trials) for pack in packs])
        return {pack.pack_id: f"out of memory ({CUDA_OOM})" for pack in packs if len(pack.trials) > 2}


def test_a_pack_too_large_for_the_device_is_halved_until_it_fits(tmp_path, make_trial):
    cramped = Cramped()
    train_round([make_pack([make_trial(seed=seed) for seed in range(8)], {})], Home(tmp_path), cramped, EventLog())
    assert cramped.sizes == [[8], [4, 4], [2, 2, 2, 2]]
    assert read(Home(tmp_path), "trials").num_rows == 0, "a pack that was only too large was recorded as failed"
