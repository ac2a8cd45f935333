"""Writes the grammar of the 1000 ImageNet classes from the class index and the list of ImageNet-100.

    python tools/make_imagenet_grammar.py imagenet_class_index.json imagenet100.txt

The class index maps "0" to "999" to [WordNet id, name], as Keras and the PyTorch tutorials publish it; the other file
holds one WordNet id a line, as the CMC repository (arXiv 1906.05849) publishes it. Classes keep the order of their ids,
which is that of the data set's labels.
"""

import json
import sys
from collections import Counter
from pathlib import Path

OUT = Path(__file__).parents[1] / "src/rldf/grammar/data/imagenet-1000.toml"

CLEARER = {  # names that two classes share, and one that says something else: (id, name); our words
    "n02012849": "crane bird",
    "n03126707": "construction crane",
    "n02113186": "cardigan corgi",
    "n02963159": "cardigan",
    "n03710637": "maillot",
    "n03710721": "one-piece maillot",
}
NO_ARTICLE = {"binoculars", "sunglasses", "swimming trunks", "parallel bars", "brass", "broccoli", "guacamole"}
SPOKEN_WITH_AN = {"hourglass"}
SPOKEN_WITH_A = {"unicycle", "european fire salamander", "european gallinule"}

HEAD = """\
# The 1000 classes of ImageNet (ILSVRC 2012) in a picture of one of them. Written by tools/make_imagenet_grammar.py.
# A class can be named by its words or, in a block list, by its WordNet id; "imagenet-100" is the subset of that name:
#     load_grammar("imagenet-1000").restrict("object", ...)    or    rldf grammar show imagenet-1000
# Terms stand in the order of their ids, which is that of the labels: animals and plants by kinship, things by the
# alphabet. For an order of likeness run `rldf grammar order` with the model you use.

name = "imagenet-1000"
version = "1"
source = "Class ids and names of ILSVRC 2012 (image-net.org), from WordNet 3.0; ImageNet-100 as in arXiv 1906.05849."
licence = "LicenseRef-WordNet-3.0"

productions = [
    "S -> View Noun | View Noun L",
    "L -> Scene",
]

[[axes]]
id = "view"
symbol = "View"
terms = [
    { term = "photo", surface = "a photo of" },
    { term = "close-up", surface = "a close-up of" },
    { term = "drawing", surface = "a drawing of" },
    { term = "painting", surface = "a painting of" },
    { term = "sculpture", surface = "a sculpture of" },
]

[[axes]]
id = "object"
symbol = "Noun"
"""
TAIL = """
[[axes]]
id = "scene"
symbol = "Scene"
optional = true
terms = [
    "none", # means: not mentioned
    { term = "indoors", surface = "indoors" },
    { term = "outdoors", surface = "outdoors" },
    { term = "plain background", surface = "on a plain background" },
]
"""


def article(name: str) -> str:
    """Puts the article before a name, where it takes one."""
    lower = name.lower()
    if lower in NO_ARTICLE:
        return name
    is_an = lower in SPOKEN_WITH_AN or (lower[0] in "aeiou" and lower not in SPOKEN_WITH_A)
    return f"{'an' if is_an else 'a'} {name}"


def main() -> int:
    """Writes the file; returns the exit status."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    index = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    rows = [index[str(label)] for label in range(1000)]
    names = {wordnet: CLEARER.get(wordnet, name.replace("_", " ")) for wordnet, name in rows}
    repeated = [name for name, number in Counter(n.lower() for n in names.values()).items() if number > 1]
    assert not repeated, repeated
    hundred = Path(sys.argv[2]).read_text(encoding="utf-8").split()
    assert len(names) == 1000
    assert len(set(hundred)) == 100
    terms = [f'    {{ term = "{name}", surface = "{article(name)}" }}, # {w}' for w, name in names.items()]
    groups = [f'{wordnet} = ["{name}"]' for wordnet, name in names.items()]
    subset = ", ".join(f'"{names[wordnet]}"' for wordnet in sorted(hundred))
    body = ["terms = [", *terms, "]", "", "[axes.groups]", f"imagenet-100 = [{subset}]", *groups]
    OUT.write_text(HEAD + "\n".join(body) + "\n" + TAIL, encoding="utf-8")
    print(f"{OUT}: {len(names)} classes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
