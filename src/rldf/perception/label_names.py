"""Names of things as models spell them: which labels of a classifier or detector mean a term."""

import re
from collections.abc import Mapping, Sequence

from rldf.space import Axis

Synonyms = Mapping[str, Sequence[str]]
"""Term to other names under which a model may know it."""

_PLACES_PREFIX = re.compile(r"^/?[a-z]/")


def plain_name(label: str) -> str:
    """Writes a label plainly: lower case, spaces, without the folders of Places365.

    Args:
        label: as a model spells it.

    Returns:
        The plain name.

    Example:
        >>> plain_name("/f/football_field"), plain_name("Sports-Ball")
        ('football field', 'sports ball')
    """
    name = _PLACES_PREFIX.sub("", label.strip().lower())
    return " ".join(re.split(r"[\s_/-]+", name))


def labels_of_terms(axis: Axis, labels: Sequence[str], *, synonyms: Synonyms) -> dict[str, frozenset[str]]:
    """Finds the labels that mean each term: by the term itself, by a synonym, or by one of several names.

    A label may hold several names with commas between, as ImageNet's do.

    Args:
        axis: the axis.
        labels: all labels of a model.
        synonyms: other names of terms.

    Returns:
        Term to labels, as the model spells them; an empty set for a term the model does not know.
    """
    names = {label: {plain_name(part) for part in label.split(",")} | {plain_name(label)} for label in labels}
    found = {}
    for term in axis.terms:
        wanted = {plain_name(name) for name in (term, *synonyms.get(term, ()))}
        found[term] = frozenset(label for label, known_as in names.items() if wanted & known_as)
    return found
