"""Labels of models and terms of the grammar."""

import pytest

from rldf.perception.label_names import labels_of_terms, plain_name
from rldf.space import Axis


@pytest.mark.parametrize(
    ("label", "name"),
    [("/f/farm", "farm"), ("Football_Field", "football field"), ("  park ", "park"), ("t-shirt", "t shirt")],
)
def test_plain_name__as_people_write_it(label: str, name: str) -> None:
    assert plain_name(label) == name


def test_labels_of_terms__by_term_synonym_and_list_of_names() -> None:
    axis = Axis(id="object", terms=("football", "bicycle", "cow", "monkey"))
    labels = ["sports ball", "bicycle-built-for-two, tandem bicycle, tandem", "/c/cow", "ox, cow", "cowboy hat"]
    found = labels_of_terms(axis, labels, synonyms={"football": ["sports ball"], "bicycle": ["tandem bicycle"]})
    assert found == {
        "football": frozenset({"sports ball"}),
        "bicycle": frozenset({labels[1]}),
        "cow": frozenset({"/c/cow", "ox, cow"}),
        "monkey": frozenset(),
    }
