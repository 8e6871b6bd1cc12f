"""What the sources say, topic by topic, and which claims of which studies answer it.

A claim belongs to a topic by its study and, where the study answers several, by a pattern in `data: claim`. Topics without a
launched study are missing, and say so; nothing is left out because nobody has tried it.
"""

import re
from typing import NamedTuple

from analysis.claims.claim import Claim

ALL = ""
"""The pattern of every claim of a study."""

PAPER = "-paper"
"""What the name of a study ends with at its paper scale."""

DAI = "Dai, Wenliang & Wipf (2021)"
WZ = "Wang & Ziyin (2022)"
BALANCE = "On the regularization balance in autoencoder-based generative models"


class Topic(NamedTuple):
    """A name, what is said and by whom, and the pattern of the claims that answer it, by study."""

    name: str
    says: str
    source: str
    patterns: dict[str, str]

    def has(self, study: str, claim: Claim) -> bool:
        """Whether the claim, of a study at either scale, answers this topic."""
        pattern = self.patterns.get(study.removesuffix(PAPER))
        return pattern is not None and re.search(pattern, f"{claim.data}: {claim.claim}") is not None


TOPICS = (
    Topic(
        "conventions",
        "The objectives of all sources are one; with a fixed γ only βγ matters.",
        f"{DAI}, eq. 3; {WZ}, eq. 5; Rybkin et al. (2021)",
        {"groundwork": "^random networks", "effective_gamma": ALL},
    ),
    Topic(
        "linear minimum",
        "The loss of a linear VAE has a global minimum in closed form, with Σ given or learned and γ fixed or learned.",
        f"{WZ}, Props. 2 and 3, Thms. 1 and 2, appendix D",
        {"groundwork": "^linear problems.*lowest"},
    ),
    Topic(
        "rotations",
        "At that minimum the latents may be turned: permuted with signs, not by any orthogonal matrix.",
        f"{WZ}, Thm. 2, corrected",
        {"rotations": ALL},
    ),
    Topic(
        "linear sweep of β",
        "Mode i is lost at β = ζᵢ²/γ, without a jump.",
        f"{WZ}, sections 4.2 and 4.3",
        {"linear_collapse": ALL},
    ),
    Topic(
        "conditional sweep of β",
        "Networks that learn a linear map follow the linear theory.",
        f"{WZ}, figure 1 and appendix A.1",
        {"conditional_collapse": ALL},
    ),
    Topic(
        "MNIST over β",
        "The modes of MNIST are lost one by one, the last at β = ζ₁²/γ, and samples lose their variance.",
        f"{WZ}, figures 2 and 3",
        {"image_collapse": "^MNIST"},
    ),
    Topic(
        "digits over β",
        "The same on digits; a nonlinear network does better than a linear one.",
        f"{WZ}, figures 2 and 3",
        {"image_collapse": "^Digits"},
    ),
    Topic(
        "Hessian at the origin",
        "A linear VAE has collapsed iff the origin is a minimum; a deeper one need not have.",
        f"{WZ}, Thm. 3",
        {"origin_hessian": ALL},
    ),
    Topic(
        "learned γ, linear",
        "A learned γ ends at γ* in closed form, and everything is lost from β = d ζ₁²/T on.",
        f"{WZ}, section 4.4 and appendix D",
        {"groundwork": "γ\\*", "learned_gamma_collapse": "^linear[^≤]*: (where modes|everything|where nothing)"},
    ),
    Topic(
        "d/r",
        "With a learned γ nothing is lost up to β = d/r, on linear data and on a curved manifold.",
        f"{DAI}, section 2.3",
        {"learned_gamma_collapse": "^linear[^≤]*: the first|^manifold[^≤]*:"},
    ),
    Topic(
        "ceiling of γ",
        "A ceiling on γ keeps a latent in use up to β = ζ₁²/γ_max.",
        f"{DAI}, section 4",
        {"learned_gamma_collapse": "^[^:]*≤"},
    ),
    Topic(
        "affine minima",
        "Every minimum of an affine VAE is a global one; how many, and the barriers between them.",
        f"{BALANCE}, Thm. 1",
        {"affine_minima": ALL},
    ),
    Topic(
        "collapse point",
        "A latent whose weights are zero is stationary.",
        f"{BALANCE}, Thm. 2",
        {"collapse_point": ALL},
    ),
    Topic(
        "depth and skips",
        "Deep plain decoders collapse, and skip connections rescue them.",
        f"{BALANCE}, sections 4 and 6",
        {"skip_depth": ALL},
    ),
    Topic(
        "saturation",
        "With a learned γ the active latents saturate as κ grows: at r, where that is known.",
        f"{DAI}, section 3; {BALANCE}, Table 1",
        {"kappa_saturation": ALL},
    ),
    Topic(
        "learned against fixed γ",
        "γ* fixed from the start is not the same as learning it.",
        f"{DAI}, figure 4; {BALANCE}, Table 2",
        {"gamma_star": ALL, "grid_gamma": ALL},
    ),
    Topic(
        "slices of the landscape",
        "As γ falls minima appear along a line, and the lowest moves to the planted decoder.",
        f"{DAI}, figure 3",
        {"landscape_slices": ALL},
    ),
    Topic(
        "logarithms",
        "As γ → 0 a VAE's loss becomes one of logarithms.",
        f"{DAI}, Lemmas 2 and 3",
        {"penalties": "^latents at|^random linear auto"},
    ),
    Topic(
        "penalties",
        "Which penalties on codes prefer a sparse decoder, and a VAE's loss among them.",
        f"{DAI}, Thm. 4 and figure 2; {BALANCE}, Thm. 3",
        {"penalties": "^(?!latents at|random linear auto)"},
    ),
    Topic(
        "sparse codes",
        "Which penalties leave an autoencoder that is trained under them the codes that its data need, and no more.",
        f"{DAI}, Thm. 4 and Lemma 3",
        {"sparse_codes": ALL},
    ),
    Topic(
        "outliers",
        "The reconstruction error of a VAE tells outliers that principal components cannot.",
        f"{DAI}, figure 1",
        {"outlier_screening": ALL},
    ),
    Topic(
        "two stages",
        "Samples of a second VAE on a first one's latents are better.",
        f"{BALANCE}, Tables 3 and 4",
        {"vaeplus": ALL},
    ),
    Topic(
        "nulls of metrics",
        "Metrics of samples of the data's own distribution are what chance makes them.",
        f"{BALANCE}, Table 4, “Downsample”",
        {"groundwork": "^(NDB|MMD)"},
    ),
    Topic(
        "calibrated decoders",
        "A decoder that learns its own noise explains images better.",
        "Rybkin, Daniilidis & Levine (2021), table 1",
        {"calibrated_decoders": ALL},
    ),
    Topic(
        "rate-distortion curves",
        "A fixed and a learned γ trace one rate-distortion curve as β varies.",
        "a plan after Rybkin, Daniilidis & Levine (2021)",
        {"rate_distortion": ALL},
    ),
    Topic(
        "what is active",
        "On noisy data a varying mean does not make a latent active.",
        "derived",
        {"groundwork": "^noise"},
    ),
    Topic(
        "exact likelihood",
        "At the optimum of a linear VAE importance weights are the likelihood.",
        "Burda, Grosse & Salakhutdinov (2016)",
        {"groundwork": "^linear VAE at its optimum"},
    ),
    Topic(
        "β as an input",
        "One VAE that is told β stands in for one for each β.",
        "a plan after Rybkin, Daniilidis & Levine (2021)",
        {"beta_input": ALL},
    ),
    Topic(
        "remedies",
        "What keeps training with a small γ stable.",
        "asked here, of remedies that the sources name",
        {"stability": ALL},
    ),
    Topic(
        "searches",
        "Searches that learn from results find the balance sooner than chance.",
        "asked here",
        {"balance_search": ALL},
    ),
)
"""In the order in which the sources build on one another."""
