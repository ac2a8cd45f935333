"""The sentences of a whole space in the eyes of scorer A, so that methods that rank words replay from a table."""

import numpy as np
from jaxtyping import Float

from rldf.grammar import Grammar
from rldf.hub import Announce
from rldf.perception.clip import ZeroShotClip, plain_texts
from rldf.perception.embedded import HeadsPerception
from rldf.search import SearchParts
from rldf.space import Axis, EncodingSpace

UNREAD = EncodingSpace(axes=(Axis(id="object", terms=("picture",)),))  # only the embeddings are used


def embed_sentences(parts: SearchParts, *, announce: Announce) -> Float[np.ndarray, "states features"] | None:
    """Embeds the sentence of every state of a space with the text side of scorer A.

    Args:
        parts: of a search; the grammar's space is embedded whole.
        announce: is given one line before anything is downloaded.

    Returns:
        Unit rows in the order of the states, beside the pictures' embeddings; None where scorer A has no text side.
    """
    matcher = text_side(parts, announce=announce)
    return None if matcher is None else matcher.embed_texts(sentences_of(parts.grammar))


def text_side(parts: SearchParts, *, announce: Announce) -> ZeroShotClip | None:
    """Finds what embeds sentences beside scorer A's pictures: itself, or the CLIP its features come from."""
    perception = parts.perception
    if isinstance(perception, ZeroShotClip):
        return perception
    if isinstance(perception, HeadsPerception) and perception.has_text_side:
        return ZeroShotClip(
            perception.folder, UNREAD, texts=plain_texts(UNREAD), announce=announce, outside_texts=(), device="cpu"
        )
    return None


def sentences_of(grammar: Grammar) -> list[str]:
    """The sentence of every state, in the order of their numbers."""
    space = grammar.space
    return [grammar.render(space.encoding(state)) for state in range(space.size)]
