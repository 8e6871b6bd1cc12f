"""Packs: trials that share shapes, trained together as one stack."""

from study.packed.run import PackRun

__all__ = ["PackRun"]
