"""Dai, Wenliang & Wipf (2021), in its two versions: D is the published one, D1 the earlier one."""

from analysis.claims.statements.statement import Source, Statement

PUBLISHED = Source(
    "Dai, Wenliang & Wipf (2021)",
    "On the value of infinite gradients in variational autoencoder models",
    (
        Statement(
            "D1", "eq. 3", "The energy that a VAE minimises is 2J + κ: the other ways to write it differ by constants."
        ),
        Statement("D3", "section 3", "At the optimum the latents that are not needed equal the prior."),
        Statement("D4", "section 3", "With a learned γ the optimum has γ → 0, and the reconstruction is perfect."),
        Statement("D5", "section 3", "With a learned γ the optimum keeps exactly min(κ, r) latents."),
        Statement("D6", "section 3", "A γ that is fixed too large over-regularises: needed latents are lost."),
        Statement("D7", "section 3", "A γ that is fixed too small under-regularises: needless latents stay active."),
        Statement("D8", "section 3", "As γ falls to 0 the gradient of the energy grows without bound."),
        Statement(
            "D9", "section 3", "As γ falls the energy is (d − r) log γ, so that fewer active latents always win."
        ),
        Statement("D10", "discussion", "Whether the sparsest representation is needed for good samples is left open."),
        Statement(
            "D11", "discussion", "A deterministic autoencoder with sparse codes can be sampled by a second stage."
        ),
        Statement(
            "D12", "figure 1", "The reconstruction error of a VAE tells outliers that principal components cannot."
        ),
        Statement("D13", "figure 1", "Outliers that lie on the manifold are not told."),
        Statement("D14", "supplement", "A VAE tells outliers as well with far more latents than it needs."),
        Statement("D15", "supplement", "A deterministic autoencoder with needless latents lets outliers through."),
        Statement(
            "D16",
            "Lemma 2",
            "At its best scale a latent costs a logarithm as γ → 0, and an unused one log γ.",
            "With γ held, the reconstruction's part is an indicator; a logarithm only once γ is minimised too.",
        ),
        Statement("D17", "Lemma 3", "With γ at its best, the loss is d log R plus a logarithm of each code."),
        Statement(
            "D18", "Thm. 4", "A penalty whose gradient at 0 is bounded does not always prefer the sparse decoder."
        ),
        Statement(
            "D19",
            "Thm. 4",
            "An unbounded gradient is what finds the sparse decoder.",
            "It is necessary, not sufficient: a penalty that is continuous at 0 fails on thin enough data.",
        ),
        Statement("D20", "figure 2", "On a serpentine the penalties differ in whether they prefer one code or two."),
        Statement("D21", "section 5", "On MNIST some 15 active latents do what takes about 100 principal components."),
        Statement(
            "D22", "figure 3", "At a large γ the energy has a single minimum along a line: γ smooths the landscape."
        ),
        Statement("D23", "section 4", "Annealing γ, or its closed form, are other ways to the balance."),
        Statement("D24", "figure 3", "As γ falls more minima appear, and the lowest moves to the planted decoder."),
        Statement(
            "D25",
            "figure 4",
            "γ* fixed from the start keeps needless latents and leaves q(z) far from the prior, though both reconstruct.",
        ),
        Statement("D26", "figure 4", "Learning γ ends in a better local solution than fixing γ* from the start."),
        Statement(
            "D27", "figure 4", "While γ is learned the gradient grows, and it ends where that of the fixed γ* is."
        ),
        Statement(
            "D28",
            "figure 4",
            "The large gradients at first are why a fixed γ* ends in a worse solution.",
            "Not by their size: clipped to one length they lead there too. They outweigh the rate's.",
        ),
    ),
)

EARLIER = Source(
    "Dai, Wenliang & Wipf (2021), earlier version",
    "On the value of infinite gradients in variational autoencoder models, before publication",
    (
        Statement(
            "D1-1", "Lemma 2", "As γ → 0 with γ held, the reconstruction is a constraint, and codes cost logarithms."
        ),
        Statement("D1-2", "section 2", "Of finitely many examples one latent is enough, for a complex enough decoder."),
        Statement(
            "D1-4", "Thm. 4", "Of the loss's two parts both must have an unbounded gradient to find the sparse decoder."
        ),
        Statement("D1-5", "section 4", "A ceiling on γ keeps latents in use where a learned γ would lose them all."),
        Statement("D1-6", "section 2.3", "With a learned γ nothing is lost up to β = d/r."),
        Statement("D1-7", "section 2.3", "As γ falls the energy at β is (d − βr) log γ: the rate grows as −r log γ."),
    ),
)
