"""Which studies of the catalog put which statements to the test."""

STUDIES: dict[str, tuple[str, ...]] = {
    "conditional_collapse": ("W7", "W22", "W23", "W28"),
    "effective_gamma": ("W6", "W20", "S1"),
    "landscape_slices": ("D8", "D22", "D24"),
    "linear_collapse": ("W2", "W3", "W6", "W8", "W9", "W11", "W12", "W21", "W29"),
    "origin_hessian": ("W19",),
    "penalties": ("D16", "D17", "D18", "D19", "D20", "D1-1", "D1-4", "B15"),
    "rate_distortion": ("S11",),
    "rotations": ("W5",),
}


def studies_of(number: str) -> list[str]:
    """The studies that test a statement, in the catalog's order."""
    return [study for study, numbers in STUDIES.items() if number in numbers]
