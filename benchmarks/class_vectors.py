"""Makes `mcp_mmretrieval/models/builtin/imagenet-classes.npy`: what the ImageNet classes mean, as MiniLM's vectors.

    python -m benchmarks.class_vectors

A class is the mean of two texts: as one would caption it, and as WordNet defines it (Fellbaum 1998). The names and
definitions come from timm's data files, in the classifier's order. Prints the file's SHA-256, which belongs into
`mcp_mmretrieval/models/builtin/imagenet.py`.
"""

import hashlib

import numpy as np

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.builtin.imagenet import CLASS_VECTORS
from mcp_mmretrieval.models.builtin.minilm import MiniLM, unit_rows
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.weights import locate_package_folder


def class_texts() -> list[tuple[str, str]]:
    """Two texts for each class, in the classifier's order."""
    folder = locate_package_folder("timm", "timm/data/_info")  # only its files: importing timm takes seconds
    order = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    names, definitions = (
        dict(line.split("\t", 1) for line in (folder / file).read_text(encoding="utf-8").splitlines())
        for file in ("imagenet_synset_to_lemma.txt", "imagenet_synset_to_definition.txt")
    )
    return [(f"a photo of a {names[key]}", f"{names[key]}: {definitions[key]}") for key in order]


def main() -> None:
    text = MiniLM(2, Device(), Settings().cache)
    captions, definitions = zip(*class_texts(), strict=True)
    np.save(CLASS_VECTORS, unit_rows(text.encode(captions) + text.encode(definitions)).astype(np.float16))
    print(hashlib.sha256(CLASS_VECTORS.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
