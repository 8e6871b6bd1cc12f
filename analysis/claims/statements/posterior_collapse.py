"""Wang & Ziyin (2022)."""

from analysis.claims.statements.statement import Source, Statement

COLLAPSE = Source(
    "Wang & Ziyin (2022)",
    "Posterior collapse of a linear latent variable model",
    (
        Statement("W1", "eq. 5", "The loss of a VAE with decoder variance η² and weight β is J − (d/2) log γ."),
        Statement(
            "W2",
            "Prop. 2",
            "With Σ held, the loss of a linear VAE has its global minimum in closed form.",
            "The σ must stand in ascending order against descending modes.",
        ),
        Statement(
            "W3",
            "Prop. 3, eqs. 11-13",
            "With Σ learned, it has its global minimum in closed form, too.",
            "A surplus latent's σ is the prior's, not 0.",
        ),
        Statement("W4", "Thm. 1", "Every local minimum of the linear loss is a global one."),
        Statement(
            "W5",
            "Thm. 2",
            "At the minimum the latents may be turned by any orthogonal matrix.",
            "Only by signed permutations, and inside blocks of equal modes; by any only where Σ is held at a multiple of I.",
        ),
        Statement("W6", "section 4.2", "Mode i collapses if and only if βγ ≥ ζᵢ²."),
        Statement("W7", "section 4.2", "Everything has collapsed from β = ζ₁²/γ on."),
        Statement("W8", "section 4.2", "Latents beyond the modes equal the prior at every β."),
        Statement("W9", "section 4.2", "Modes beyond κ are lost at every β."),
        Statement("W10", "section 4.3", "A learnable Σ makes training stable."),
        Statement(
            "W11",
            "section 4.3",
            "With Σ held the encoder's weights grow without bound as β falls; with Σ learned they do not.",
        ),
        Statement("W12", "section 4.3", "The loss passes each collapse without a kink: a transition of second order."),
        Statement("W13", "section 5", "Partial collapse denoises, and helps to generalise."),
        Statement("W14", "section 4.4, appendix D", "A learned γ of a linear VAE ends at γ* in closed form."),
        Statement(
            "W15",
            "section 4.4",
            "Below β = d₂/d* collapse is avoided.",
            "True where y is linear in x; else the bound is (d₂/d*) R², with R² the part of y that is.",
        ),
        Statement(
            "W16",
            "section 4.4",
            "At β = 1 a VAE with a learned γ cannot avoid complete collapse.",
            "Only for a spectrum of full rank whose eigenvalues are all equal.",
        ),
        Statement(
            "W17",
            "section 4.4",
            "Too few latents are harmless at a small β; with enough, γ falls to 0.",
            "For every β < d₂/d*, not only a small one.",
        ),
        Statement(
            "W18",
            "abstract",
            "The mean's half of the KL causes collapse; the variance's half can be ignored.",
            "Without either half nothing collapses once Σ is learned: both are needed.",
        ),
        Statement("W19", "Thm. 3", "A linear VAE has collapsed if and only if the origin is a minimum."),
        Statement("W20", "section 4.2", "Only the product βγ matters where γ is fixed."),
        Statement("W21", "section 4.1", "The prior's variance changes nothing: it is a choice of units."),
        Statement(
            "W22", "figure 1", "The loss of nonlinear networks that learn a linear map follows the linear minimum."
        ),
        Statement("W23", "figure 1", "They lose their modes where linear networks do."),
        Statement("W24", "figure 2", "On MNIST two-layer networks of 2,048 units collapse close to β = 5."),
        Statement(
            "W25",
            "figure 2",
            "On MNIST the modes are lost one by one: two are left at β = 3.5, none at 6.",
            "What is printed as ζᵢ is ζᵢ².",
        ),
        Statement("W26", "figure 3", "Samples lose their variance as β grows."),
        Statement("W27", "figure 2", "A nonlinear network does no worse than the linear one before collapse."),
        Statement(
            "W28", "appendix A.1", "The posteriors' standard deviations of such networks are those of linear theory."
        ),
        Statement("W29", "section 3", "Learned biases do what centring the data does."),
        Statement(
            "W30", "discussion", "The evidence bound is not the cause: the exact likelihood loses modes where it does."
        ),
        Statement("W31", "discussion", "Nor is the noise of minibatches: thresholds do not depend on the batch size."),
    ),
)
