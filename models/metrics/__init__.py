"""Numbers that are computed after training, each beside what chance makes of it. `models.specs.metrics` names them.

Whoever changes the numbers of a metric here raises its version there.
"""
