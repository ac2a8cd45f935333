"""Writes and reads sentences with a grammar, blocks a term, and walks over the grid. Needs no model.

python examples/02_grammar.py
"""

import rldf
from rldf.seeding import child_rng

grammar = rldf.load_grammar("base")
space = grammar.space

cows = grammar.parse("a photo of two cows and many people in a park")
print("terms:", space.terms(cows))
for neighbour in space.neighbours(cows):
    print("one move away:", grammar.render(neighbour))

elsewhere = space.encode({**space.terms(cows), "object": "bus", "scene": "street"})
print("moves from cows to buses:", space.distance(cows, elsewhere))

without_cows = grammar.block(["cow"])
print("objects left:", ", ".join(without_cows.space.axis("object").terms))

rng = child_rng(0, "example")
in_the_park = space.lock({"scene": "park"})
print("at random, in the park:", grammar.render(in_the_park.sample(rng)))
