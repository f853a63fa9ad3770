"""Whether a profile's models are what their records say: their files, their vectors beside the authors' own, and what
they find among a few made things. `running` does it from beginning to end.
"""
