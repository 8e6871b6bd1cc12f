"""What a trial minimises: J in the one convention, how γ is set, likelihoods, prices of codes."""
