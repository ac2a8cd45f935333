"""Writes the prompt set of the 398 animals of ImageNet from the names in the grammar of its 1000 classes.

    python tools/make_imagenet_prompts.py

The animals are the first 398 classes, in the order of the labels.
"""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src/rldf"
GRAMMAR = ROOT / "grammar/data/imagenet-1000.toml"
OUT = ROOT / "finetuning/data/imagenet-animals.toml"
NUM_ANIMALS = 398

HEAD = """\
# Written by tools/make_imagenet_prompts.py from the class names in grammar/data/imagenet-1000.toml.
name = "imagenet-animals"
version = "1"
description = "The 398 animals of ImageNet (ILSVRC 2012), as bare nouns."
source = "arXiv 2305.13301, section 5.1; names of ILSVRC 2012 (image-net.org), from WordNet 3.0, one of each class"
licence = "LicenseRef-WordNet-3.0"

trained = [
"""


def animals() -> list[str]:
    """Names of the animals, in the order of the labels."""
    axes = tomllib.loads(GRAMMAR.read_text(encoding="utf-8"))["axes"]
    terms = next(axis["terms"] for axis in axes if axis["id"] == "object")
    return [str(term["term"]) for term in terms[:NUM_ANIMALS]]


def main() -> None:
    """Writes the file."""
    lines = [f'  "{name}",\n' for name in animals()]
    OUT.write_text(HEAD + "".join(lines) + "]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
