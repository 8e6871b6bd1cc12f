"""The study balance_search.

Which settings reconstruct with the fewest active dimensions, and how soon does a search find them?
"""
