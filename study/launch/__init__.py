"""Launch: studies from the command line or from Python, to their last sentence."""
