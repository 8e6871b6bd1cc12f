"""Which studies of the catalog put which statements to the test."""

STUDIES: dict[str, tuple[str, ...]] = {
    "dimension_law": ("D1-6",),
    "linear_collapse": ("W2", "W3", "W6", "W8", "W9", "W11", "W12", "W21", "W29"),
}


def studies_of(number: str) -> list[str]:
    """The studies that test a statement, in the catalog's order."""
    return [study for study, numbers in STUDIES.items() if number in numbers]
