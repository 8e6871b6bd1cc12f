"""What a number was measured on. Whoever reads a benchmark must see the machine, and whether it was quiet."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "ray", "mlflow")


def machine(device: str = "cpu") -> dict[str, str]:
    """The machine, the versions and the date, as people name them."""
    told = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpu": _cpu(),
        "cores": f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "python": platform.python_version(),
    }
    if device.startswith("cuda"):
        import torch

        told["gpu"] = torch.cuda.get_device_name(device)
    return told | {name: found for name in PACKAGES if (found := _installed(name))}


def sentence(told: dict[str, str]) -> str:
    """`machine()` in one line."""
    versions = ", ".join(f"{name} {told[name]}" for name in ("python", *PACKAGES) if name in told)
    on = ", ".join([*filter(None, [told.get("gpu")]), f"{told['cores']} cores of {told['cpu']}", told["memory"]])
    return f"{told['date']}: {on}; {versions}"


def load() -> float:
    """Processes that wanted to run, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
