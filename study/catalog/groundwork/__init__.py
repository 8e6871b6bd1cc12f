"""The study groundwork: do the conventions, closed forms and metrics hold that every other study rests on?"""
