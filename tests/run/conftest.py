"""What tests of running share."""

import pytest

from study.run import checkpointing


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint at every opportunity, whatever it costs."""
    monkeypatch.setenv(checkpointing.SETTING, "0")
    monkeypatch.setattr(checkpointing, "TIMES_ITS_COST", 0.0)
