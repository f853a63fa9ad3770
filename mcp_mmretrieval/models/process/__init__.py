"""A process of its own for what is heavy: OCR, speech, the picture classifier, torch, and models of the Hub's.

`client.ModelProcess` starts it when the first call needs it, and ends it at rest. `host` is what runs in it, `remote`
has the models as the engine sees them, and `frames` and `messages` are what both sides say to each other.
"""
