"""Which studies of the catalog put which statements to the test; some only answer questions that no source asks."""

STUDIES: dict[str, tuple[str, ...]] = {
    "affine_minima": ("B4", "B5", "B7", "B8"),
    "balance_search": (),
    "beta_input": ("S11", "S12", "S13"),
    "calibrated_decoders": ("S5", "S6", "S7", "S8", "S9", "S10"),
    "collapse_point": ("B9",),
    "conditional_collapse": ("W7", "W22", "W23", "W28"),
    "deep_collapse": ("B10", "B11"),
    "dimension_law": ("D1-6",),
    "effective_gamma": ("W6", "W20", "S1"),
    "gamma_star": ("D8", "D9", "D25", "D26", "D27", "D28", "D1-7", "S3", "B16", "B19"),
    "grid_gamma": ("D4", "D5", "D6", "D7", "D23", "D25", "B2"),
    "groundwork": ("D1", "W1", "W2", "W3", "W4", "W14", "W15", "W16", "W17", "W20", "W30", "S1", "S2"),
    "image_collapse": ("W7", "W24", "W25", "W26", "W27"),
    "kappa_saturation": ("D4", "D5", "D9", "D21", "D1-7", "S3", "B2", "B17"),
    "landscape_slices": ("D8", "D22", "D24"),
    "learned_gamma_collapse": ("D9", "D1-5", "D1-6", "D1-7", "S3", "W14", "W17"),
    "learned_sigma": ("W10",),
    "linear_collapse": ("W2", "W3", "W6", "W8", "W9", "W11", "W12", "W21", "W29"),
    "memorising": ("D1-2", "B3"),
    "origin_hessian": ("W19",),
    "outlier_screening": ("D12", "D13", "D14", "D15"),
    "penalties": ("D16", "D17", "D18", "D19", "D20", "D1-1", "D1-4", "B15"),
    "rate_distortion": ("S11",),
    "rotations": ("W5",),
    "skip_depth": ("B11", "B12", "B13", "B18", "B25"),
    "sparse_codes": ("D11", "D17", "D19"),
    "stability": (),
    "vaeplus": ("S4", "D10", "B21", "B22", "B23", "B24"),
}


def studies_of(number: str) -> list[str]:
    """The studies that test a statement, in the catalog's order."""
    return [study for study, numbers in STUDIES.items() if number in numbers]
