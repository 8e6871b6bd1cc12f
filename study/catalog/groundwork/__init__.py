"""The study groundwork: do the conventions, closed forms and metrics behind every other study hold?"""
