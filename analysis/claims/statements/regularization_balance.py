"""The manuscript on the balance of regularization."""

from analysis.claims.statements.statement import Source, Statement

BALANCE = Source(
    "On the regularization balance in autoencoder-based generative models",
    "A manuscript of which we know no public copy",
    (
        Statement("B2", "section 3", "A learned γ has found the balance where n_active = r."),
        Statement("B3", "section 3", "Of finitely many examples one latent is enough, for a complex enough decoder."),
        Statement("B4", "Thm. 1", "Every local minimum of an affine VAE is a global one."),
        Statement(
            "B5",
            "Thm. 1",
            "There is one minimum for each choice of κ latents for the kept modes.",
            "If the eigenvalues differ; and it leaves out the 2ᵏ signs.",
        ),
        Statement(
            "B6", "Thm. 1", "The latents that are not chosen equal the prior.", "The text names the wrong columns."
        ),
        Statement("B7", "Thm. 1, footnote 2", "The loss of the decoder alone has a closed form."),
        Statement(
            "B8",
            "section 4",
            "Between the minima there are barriers.",
            "The rise along a rotation is not the pass, which is lower.",
        ),
        Statement(
            "B9",
            "Thm. 2",
            "A latent whose weights are zero is stationary.",
            "In expectation over the noise, and if its biases are zero too.",
        ),
        Statement(
            "B10",
            "section 4",
            "For deep decoders the collapsed point is a local minimum.",
            "For a smooth decoder it is one only where the linear theory says so; its curvature shrinks with depth and gain.",
        ),
        Statement("B11", "section 4", "An affine skip connection gives an escape from it."),
        Statement("B12", "section 4", "Residual connections and concatenated latents do, too."),
        Statement("B13", "section 4", "Skip connections and more latents work in tandem."),
        Statement("B14", "section 5", "The first stage is an autoencoder with as many codes as the VAE has latents."),
        Statement("B15", "Thm. 3", "A VAE's loss prefers the sparse decoder once γ is small enough."),
        Statement(
            "B16", "Table 2, figure 1", "γ* fixed from the start leaves q(z) farther from the prior than a learned γ."
        ),
        Statement(
            "B17", "Table 1", "As κ grows the error falls, the likelihood improves, and the active latents saturate."
        ),
        Statement("B18", "section 6", "On MNIST everything collapses without skip connections."),
        Statement("B19", "Table 2", "Both reconstruct equally well."),
        Statement("B20", "section 5", "The first stage has skip connections, and the error is counted in the data."),
        Statement("B21", "Table 3", "Samples of VAE+ are better than those of VAE and WAE by Fréchet distance."),
        Statement("B22", "Table 3", "Samples are no better than reconstructions, and those of VAE+ nearly as good."),
        Statement(
            "B23",
            "Tables 3 and 4",
            "Pictures shrunk and enlarged again are far by Fréchet distance, and no farther than chance by NDB.",
        ),
        Statement("B24", "Table 4", "Samples of VAE+ are better than those of VAE and WAE by NDB."),
        Statement("B25", "section 6", "κ and skip connections together decide whether a deep network collapses."),
    ),
)
