"""Topics: what the sources say, and which studies of the catalog put it to the test.

Every claim carries its topic. A topic whose studies were not launched is shown as missing.
"""

from dataclasses import dataclass

DAI = "Dai, Wenliang & Wipf (2021)"
WZ = "Wang & Ziyin (2022)"
BALANCE = "On the regularization balance in autoencoder-based generative models"


@dataclass(frozen=True)
class Topic:
    """A heading of the overview: its name, what is said, by whom, and the studies of the catalog that answer it."""

    name: str
    says: str
    source: str
    studies: tuple[str, ...] = ()


OTHER = Topic("other", "Claims that belong to no topic.", "")
"""The topic of a claim that names none."""

CONVENTIONS = Topic(
    "conventions",
    "The objectives of all sources are one; with a fixed γ only βγ matters.",
    f"{DAI}, eq. 3; {WZ}, eq. 5; Rybkin et al. (2021)",
    ("groundwork", "effective_gamma"),
)

LINEAR_MINIMUM = Topic(
    "linear minimum",
    "The loss of a linear VAE has a global minimum in closed form, with Σ given or learned and γ fixed or learned.",
    f"{WZ}, Props. 2 and 3, Thms. 1 and 2, appendix D",
    ("groundwork",),
)

ROTATIONS = Topic(
    "rotations",
    "At that minimum the latents may be turned: permuted with signs, not by any orthogonal matrix.",
    f"{WZ}, Thm. 2, corrected",
    ("rotations",),
)

LINEAR_SWEEP = Topic(
    "linear sweep of β",
    "Mode i is lost at β = ζᵢ²/γ, without a jump.",
    f"{WZ}, sections 4.2 and 4.3",
    ("linear_collapse",),
)

HALVES_OF_THE_RATE = Topic(
    "halves of the rate",
    "Which half of the KL makes a mode collapse, that of the means or that of the variances, and does it go by a jump?",
    f"{WZ}, abstract; derived",
    ("kl_halves",),
)

DENOISING = Topic(
    "denoising",
    "Partial collapse takes noise out of the data: most of it where βγ is the variance of the noise.",
    f"{WZ}, section 5; derived",
    ("denoising",),
)

CONDITIONAL_SWEEP = Topic(
    "conditional sweep of β",
    "Networks that learn a linear map follow the linear theory.",
    f"{WZ}, figure 1 and appendix A.1",
    ("conditional_collapse",),
)

MNIST_SWEEP = Topic(
    "MNIST over β",
    "The modes of MNIST are lost one by one, the last at β = ζ₁²/γ, and samples lose their variance.",
    f"{WZ}, figures 2 and 3",
    ("image_collapse",),
)

DIGITS_SWEEP = Topic(
    "digits over β",
    "The same on digits; a nonlinear network does better than a linear one.",
    f"{WZ}, figures 2 and 3",
    ("image_collapse",),
)

ORIGIN_HESSIAN = Topic(
    "Hessian at the origin",
    "A linear VAE has collapsed iff the origin is a minimum; a deeper one need not have.",
    f"{WZ}, Thm. 3",
    ("origin_hessian",),
)

LEARNED_GAMMA_LINEAR = Topic(
    "learned γ, linear",
    "A learned γ ends at γ* in closed form, and everything is lost from β = d ζ₁²/T on.",
    f"{WZ}, section 4.4 and appendix D",
    ("groundwork", "learned_gamma_collapse"),
)

DIMENSIONS_OVER_RANK = Topic(
    "d/r",
    "With a learned γ nothing is lost up to β = d/r, on linear data and on a curved manifold.",
    f"{DAI}, section 2.3",
    ("learned_gamma_collapse",),
)

GAMMA_CEILING = Topic(
    "ceiling of γ",
    "A ceiling on γ keeps a latent in use up to β = ζ₁²/γ_max.",
    f"{DAI}, section 4",
    ("learned_gamma_collapse",),
)

AFFINE_MINIMA = Topic(
    "affine minima",
    "Every minimum of an affine VAE is a global one; how many, and the saddles between them.",
    f"{BALANCE}, Thm. 1",
    ("affine_minima",),
)

COLLAPSE_POINT = Topic(
    "collapse point",
    "A latent whose weights are zero is stationary.",
    f"{BALANCE}, Thm. 2",
    ("collapse_point",),
)

DEPTH_AND_SKIPS = Topic(
    "depth and skips",
    "Deep plain decoders collapse, and skip connections rescue them.",
    f"{BALANCE}, sections 4 and 6",
    ("skip_depth",),
)

SATURATION = Topic(
    "saturation",
    "With a learned γ the active latents saturate as κ grows: at r, where that is known.",
    f"{DAI}, section 3; {BALANCE}, Table 1",
    ("kappa_saturation",),
)

LEARNED_AGAINST_FIXED = Topic(
    "learned against fixed γ",
    "γ* fixed from the start is not the same as learning it.",
    f"{DAI}, figure 4; {BALANCE}, Table 2",
    ("gamma_star", "grid_gamma"),
)

LANDSCAPE_SLICES = Topic(
    "slices of the landscape",
    "As γ falls minima appear along a line, and the lowest moves to the planted decoder.",
    f"{DAI}, figure 3",
    ("landscape_slices",),
)

LOGARITHMS = Topic(
    "logarithms",
    "As γ → 0 a VAE's loss becomes one of logarithms.",
    f"{DAI}, Lemmas 2 and 3",
    ("penalties",),
)

PENALTIES = Topic(
    "penalties",
    "Which penalties on codes prefer a sparse decoder, and a VAE's loss among them.",
    f"{DAI}, Thm. 4 and figure 2; {BALANCE}, Thm. 3",
    ("penalties",),
)

SPARSE_CODES = Topic(
    "sparse codes",
    "Which penalties leave an autoencoder that is trained under them the codes that its data need, and no more.",
    f"{DAI}, Thm. 4 and Lemma 3",
    ("sparse_codes",),
)

OUTLIERS = Topic(
    "outliers",
    "The reconstruction error of a VAE tells outliers that principal components cannot.",
    f"{DAI}, figure 1",
    ("outlier_screening",),
)

TWO_STAGES = Topic(
    "two stages",
    "Samples of a second VAE on a first one's latents are better.",
    f"{BALANCE}, Tables 3 and 4",
    ("vaeplus",),
)

NULLS_OF_METRICS = Topic(
    "nulls of metrics",
    "Metrics of samples of the data's own distribution are what chance makes them.",
    f"{BALANCE}, Table 4, “Downsample”",
    ("groundwork",),
)

CALIBRATED_DECODERS = Topic(
    "calibrated decoders",
    "A decoder that learns its own noise explains images better.",
    "Rybkin, Daniilidis & Levine (2021), table 1",
    ("calibrated_decoders",),
)

RATE_DISTORTION = Topic(
    "rate-distortion curves",
    "A fixed and a learned γ trace one rate-distortion curve as β varies.",
    "a plan after Rybkin, Daniilidis & Levine (2021)",
    ("rate_distortion",),
)

WHAT_IS_ACTIVE = Topic(
    "what is active",
    "On noisy data a varying mean does not make a latent active.",
    "derived",
    ("groundwork",),
)

EXACT_LIKELIHOOD = Topic(
    "exact likelihood",
    "At the optimum of a linear VAE importance weights are the likelihood.",
    "Burda, Grosse & Salakhutdinov (2016)",
    ("groundwork",),
)

BETA_INPUT = Topic(
    "β as an input",
    "One VAE conditioned on β stands in for one VAE for each β.",
    "a plan after Rybkin, Daniilidis & Levine (2021)",
    ("beta_input",),
)

REMEDIES = Topic(
    "remedies",
    "What keeps training with a small γ stable.",
    "asked here, of remedies that the sources name",
    ("stability",),
)

SEARCHES = Topic(
    "searches",
    "Searches that learn from results find the balance sooner than chance.",
    "asked here",
    ("balance_search",),
)

TOPICS = (
    CONVENTIONS,
    LINEAR_MINIMUM,
    ROTATIONS,
    LINEAR_SWEEP,
    HALVES_OF_THE_RATE,
    DENOISING,
    CONDITIONAL_SWEEP,
    MNIST_SWEEP,
    DIGITS_SWEEP,
    ORIGIN_HESSIAN,
    LEARNED_GAMMA_LINEAR,
    DIMENSIONS_OVER_RANK,
    GAMMA_CEILING,
    AFFINE_MINIMA,
    COLLAPSE_POINT,
    DEPTH_AND_SKIPS,
    SATURATION,
    LEARNED_AGAINST_FIXED,
    LANDSCAPE_SLICES,
    LOGARITHMS,
    PENALTIES,
    SPARSE_CODES,
    OUTLIERS,
    TWO_STAGES,
    NULLS_OF_METRICS,
    CALIBRATED_DECODERS,
    RATE_DISTORTION,
    WHAT_IS_ACTIVE,
    EXACT_LIKELIHOOD,
    BETA_INPUT,
    REMEDIES,
    SEARCHES,
)
"""In the order in which the sources build on one another."""
