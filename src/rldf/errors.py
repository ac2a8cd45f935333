"""The errors `rldf` raises on purpose.

```
RldfError
├── ConfigError (ValueError)          a preset, option or field
├── GrammarError (ValueError)         a vocabulary or production file
│   └── UnknownTermError              a term or axis the grammar lacks
├── EncodingError (ValueError)        outside the space, or of another space
├── ImageError (ValueError)           a file that cannot be read as one picture
├── PerceptionError                   a perception model that cannot be used
├── GenerationError
│   ├── ModelUnavailableError         no such model, or one that cannot be loaded safely
│   ├── ImagesApiError                an images endpoint failed (status, is_retryable)
│   └── PromptRefusedError            an images endpoint refused the prompt
├── RecordError                       a run folder that cannot be read or written
│   └── StorageError                  storage that does not answer, whatever lies there
├── BudgetExceededError               a hard limit was reached
└── MissingExtraError (ImportError)   names the extra to install
```

Every message has four parts: what is wrong, the value, what is allowed, what to do next.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial


class RldfError(Exception):
    """Any error this package raises on purpose."""


class ConfigError(RldfError, ValueError):
    """A preset, an option or a field has a value that is not allowed."""


class GrammarError(RldfError, ValueError):
    """A vocabulary or production file, or a sentence, does not hold."""


class UnknownTermError(GrammarError):
    """An axis or a term is named that the grammar does not have."""


class EncodingError(RldfError, ValueError):
    """An encoding lies outside the space, or belongs to another space."""


class ImageError(RldfError, ValueError):
    """A file cannot be read as one picture."""


class PerceptionError(RldfError):
    """A perception model cannot be used for what is asked."""


class GenerationError(RldfError):
    """A picture could not be made."""


class ModelUnavailableError(GenerationError):
    """A model does not exist, or cannot be loaded safely."""


class ImagesApiError(GenerationError):
    """An images endpoint failed.

    Attributes:
        status: HTTP status, or None when no answer came.
        is_retryable: True where a later try may succeed.
    """

    def __init__(self, message: str, *, status: int | None, is_retryable: bool) -> None:
        super().__init__(message)
        self.status = status
        self.is_retryable = is_retryable

    def __reduce__(self) -> tuple[Callable[..., "ImagesApiError"], tuple[object, ...]]:
        """How it is made again in another process."""
        return partial(type(self), status=self.status, is_retryable=self.is_retryable), self.args


class PromptRefusedError(GenerationError):
    """An images endpoint refused the prompt; trying again does not help."""


class RecordError(RldfError):
    """A run folder cannot be read, or must not be written."""


class StorageError(RecordError):
    """Storage cannot be read or written at present; nothing is known of what lies there."""


class BudgetExceededError(RldfError):
    """A hard limit of the run was reached."""


class MissingExtraError(RldfError, ImportError):
    """An optional dependency is needed; the message names the extra."""


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """Suggests the closest allowed value.

    Args:
        value: what was given.
        allowed: what would have been accepted.

    Returns:
        " Did you mean 'x'?" with a leading space, or "" where nothing is close.

    Example:
        >>> did_you_mean("scarlett", ["red", "scarlet"])
        " Did you mean 'scarlet'?"
    """
    matches = get_close_matches(value, list(allowed), n=1)
    return f" Did you mean '{matches[0]}'?" if matches else ""


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its name where there is none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
