"""What can go wrong with an images endpoint, told apart, and tried again where that can help."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar, final

from rldf.errors import ConfigError, ImagesApiError, PromptRefusedError

Answer = TypeVar("Answer")

BAD_REQUEST, UNAUTHORISED, FORBIDDEN, NOT_FOUND, TOO_MANY_REQUESTS = 400, 401, 403, 404, 429
RETRYABLE_STATUSES = frozenset({408, 409, 425, TOO_MANY_REQUESTS, 500, 502, 503, 504, 529})
REFUSAL_CODES = frozenset({"content_policy_violation", "moderation_blocked", "content_filter", "contentFilter"})
REFUSAL_WORDS = ("content policy", "safety system", "content filter", "content management policy")
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
MAX_SERVER_WORDS = 200  # characters of the server's own words in a message


@final
class AttemptFailedError(Exception):
    """One attempt failed; what becomes of it is decided by `Retries`.

    Attributes:
        error: what is raised where no further attempt is made.
        wait_s: seconds the server asks to wait before the next, or None.
    """

    def __init__(self, error: ImagesApiError | PromptRefusedError, *, wait_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s

    @property
    def is_retryable(self) -> bool:
        """True where a later attempt may succeed."""
        return isinstance(self.error, ImagesApiError) and self.error.is_retryable


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how patiently a failed attempt is made again.

    Attributes:
        max_retries: further attempts after the first, 0 or larger.
        first_wait_s: wait before the first of them, above 0; doubled each time. What the server asks for goes before.
        max_wait_s: longest single wait; a server that asks for more is not waited for.

    Raises:
        ConfigError: if a value is out of its range.
    """

    max_retries: int = 4
    first_wait_s: float = 1.0
    max_wait_s: float = 60.0

    def __post_init__(self) -> None:
        if self.max_retries < 0:
            raise ConfigError(f"max_retries is {self.max_retries}; it must be 0 or larger. Give 4.")
        if not 0 < self.first_wait_s <= self.max_wait_s:
            raise ConfigError(
                f"first_wait_s is {self.first_wait_s} and max_wait_s {self.max_wait_s}; waits must be above 0 and the "
                "first no longer than the longest. Give 1 and 60."
            )

    def run(self, attempt: Callable[[], Answer], *, sleep: Callable[[float], None]) -> Answer:
        """Makes attempts until one succeeds or none is left.

        Args:
            attempt: raises `AttemptFailedError` where it fails.
            sleep: waits that many seconds.

        Returns:
            What the attempt gave. The last failure's error is raised where none succeeds.
        """
        num_retries = 0
        while True:
            try:
                return attempt()
            except AttemptFailedError as failure:
                wait_s = self.first_wait_s * 2**num_retries if failure.wait_s is None else failure.wait_s
                is_too_long = failure.wait_s is not None and wait_s > self.max_wait_s
                if not failure.is_retryable or is_too_long or num_retries == self.max_retries:
                    raise failure.error from failure
            num_retries += 1
            sleep(min(wait_s, self.max_wait_s))


def failure_of_status(
    status: int, *, code: str, words: str, headers: Mapping[str, str], prompt: str, endpoint: str
) -> AttemptFailedError:
    """Tells what an answer other than success means.

    Args:
        status: HTTP status.
        code: the server's own code for it, "" where there is none.
        words: the server's message.
        headers: of the answer.
        prompt: what was asked for.
        endpoint: address of the endpoint.

    Returns:
        The failure to raise.
    """
    said = words.strip()[:MAX_SERVER_WORDS] or "nothing more"
    is_refusal = code in REFUSAL_CODES or any(text in words.lower() for text in REFUSAL_WORDS)
    if status in {BAD_REQUEST, FORBIDDEN} and is_refusal:
        return AttemptFailedError(
            PromptRefusedError(
                f"the images endpoint refused the prompt {prompt!r} ({said}); it draws what its content policy allows. "
                "Change the words, or block them in the grammar."
            )
        )
    is_retryable = status in RETRYABLE_STATUSES and code not in QUOTA_CODES
    match status:
        case _ if status in {UNAUTHORISED, FORBIDDEN}:
            # The server's words may hold part of the key, so they are not repeated.
            text = f"does not accept the key (status {status}). Check OPENAI_API_KEY or the key file, and its rights."
        case _ if code in QUOTA_CODES:
            text = f"says that the account's quota is used up (status {status}). Raise it there, or wait."
        case _ if status == TOO_MANY_REQUESTS:
            text = f"says that too many pictures were asked for (status {status}: {said}). Try again later."
        case _ if status == NOT_FOUND:
            text = f"knows no such model or address (status {status}: {said}). Check the address and the model's name."
        case _ if is_retryable:
            text = f"failed (status {status}: {said}). Try again later; pictures drawn so far are kept."
        case _:
            text = f"did not accept the request (status {status}: {said}). Check the model's name and the picture size."
    error = ImagesApiError(f"the images endpoint '{endpoint}' {text}", status=status, is_retryable=is_retryable)
    return AttemptFailedError(error, wait_s=wait_asked_for(headers))


def wait_asked_for(headers: Mapping[str, str]) -> float | None:
    """Reads the header Retry-After, seconds or a date.

    Args:
        headers: of an answer; names in lower case or without regard to it.

    Returns:
        Seconds, 0 or larger; None where nothing is asked for or it cannot be read.

    Source: RFC 9110, section 10.2.3.
    """
    text = headers.get("retry-after")
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
