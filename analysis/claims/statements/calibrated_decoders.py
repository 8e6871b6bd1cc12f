"""The slides on both: the table of Rybkin, Daniilidis & Levine (2021), and the plan of a VAE with β as an input."""

from analysis.claims.statements.statement import Source, Statement

SLIDES = Source(
    "Slides after Rybkin, Daniilidis & Levine (2021)",
    "Calibrated decoders, and a plan for one VAE that takes β as an input",
    (
        Statement("S1", "conventions", "Squared error plus βK is J at γ = ½: a β-VAE is a VAE with a fixed γ."),
        Statement("S2", "section 3", "The γ that minimises J has a closed form, R/d."),
        Statement("S3", "slides", "As γ falls, 2K grows as −r log γ: the rate counts the dimensions in use."),
        Statement("S4", "slides", "Would all channels be better than the fewest, for samples?"),
        Statement("S5", "table 1", "A variance in closed form ends where a learned one does."),
        Statement(
            "S6", "table 1", "A decoder that learns its variance explains images better than one of unit variance."
        ),
        Statement("S7", "table 1", "Its samples are better too."),
        Statement(
            "S8",
            "table 1",
            "Student-t is the best by density, bitwise the worst of level likelihoods; shared does as well as a tuned β.",
        ),
        Statement("S9", "table 1", "A σ for each pixel as an output of the decoder explains still better."),
        Statement(
            "S10",
            "table 1",
            "A σ for each image in closed form explains still better.",
            "By a density that knows its image. Once the σ is sent along and paid for, it does not on small images.",
        ),
        Statement("S11", "plan", "A fixed and a learned γ trace one rate-distortion curve as β varies."),
        Statement("S12", "plan", "One VAE that takes β as an input stands in for one VAE a β."),
        Statement("S13", "plan", "So does one whose γ is learned beside a spread of β, which sets γ free of β."),
    ),
)
