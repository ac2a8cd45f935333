"""What can be told apart about a drawn person: the terms, and one choice of each."""

from dataclasses import dataclass
from typing import final

from rldf.errors import UnknownTermError, did_you_mean

ACTIONS = (
    "none",
    "walking",
    "running",
    "dancing",
    "swimming",
    "cycling",
    "playing football",
    "playing baseball",
    "gardening",
    "cooking",
    "eating",
    "reading",
    "teaching",
)
"""What a person does; "none" is standing."""

PROFESSIONS = (
    "none",
    "farmer",
    "gardener",
    "construction worker",
    "firefighter",
    "police officer",
    "soldier",
    "doctor",
    "nurse",
    "chef",
    "waiter",
    "teacher",
    "student",
    "musician",
    "dancer",
    "cyclist",
    "football player",
)
"""What a person is dressed as; "none" is everyday clothes."""

AGES = ("child", "young", "middle-aged", "old")
SKIN_TONES = ("light-skinned", "medium-skinned", "dark-skinned")
GENDERS = ("woman", "man")
EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised")

_TERMS = {
    "action": ACTIONS,
    "profession": PROFESSIONS,
    "age": AGES,
    "skin_tone": SKIN_TONES,
    "gender": GENDERS,
    "emotion": EMOTIONS,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLook:
    """How one person looks: one term of each axis, none left open.

    Attributes:
        action: one of `ACTIONS`.
        profession: one of `PROFESSIONS`.
        age: one of `AGES`.
        skin_tone: one of `SKIN_TONES`.
        gender: one of `GENDERS`.
        emotion: one of `EMOTIONS`.

    Raises:
        UnknownTermError: a term is not one of its axis.
    """

    action: str
    profession: str
    age: str
    skin_tone: str
    gender: str
    emotion: str

    def __post_init__(self) -> None:
        for name, terms in _TERMS.items():
            value = getattr(self, name)
            if value not in terms:
                raise UnknownTermError(
                    f"No person can be drawn with {name} {value!r}. The terms are: {', '.join(terms)}. "
                    f"Choose one of them.{did_you_mean(value, terms)}"
                )
