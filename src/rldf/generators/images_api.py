"""Draws with an OpenAI-compatible images endpoint: `POST {base_url}/images/generations`."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, final
from urllib.parse import urlsplit

import numpy as np

from rldf.arrays import Image, ImageBatch
from rldf.contracts import ImageGenerator
from rldf.errors import BudgetExceededError, ConfigError, GenerationError, ImagesApiError, MissingExtraError
from rldf.generators.api_failures import AttemptFailedError, Retries, failure_of_status
from rldf.generators.api_pictures import decode_base64, decode_picture, fetch_picture, unusable_answer
from rldf.generators.requests import check_request
from rldf.records.percept import Prompt

if TYPE_CHECKING:
    from openai import APIStatusError
    from openai.types import Image as ApiImage

KEY_VARIABLE = "OPENAI_API_KEY"
RESPONSE_FORMATS = ("b64_json", "url", "")
ROUNDING_USD = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesApiSettings:
    """Which endpoint draws, how, and what it may cost.

    Attributes:
        base_url: address up to and with the version, http or https, without a key or a password in it.
        model: its name there.
        size_px: side of the square pictures; what is allowed depends on the model (dall-e-2: 256, 512, 1024).
        response_format: "b64_json", "url", or "" not to send it, as newer models want.
        key_file: file that holds the key and nothing else; None to take it from OPENAI_API_KEY.
        picture_cost_usd: price of one picture in US dollars, 0 or larger; prices change, so none is built in.
        max_cost_usd: what may be spent in all, in US dollars; None for no limit. Needs the price.
        max_images: pictures that may be asked for in all; None for no limit.
        timeout_s: seconds to wait for the connection, and for each part of an answer.
        retries: how often and how patiently a failed call is made again.

    Raises:
        ConfigError: if a value is out of its range.
    """

    base_url: str = "https://api.openai.com/v1"
    model: str = "dall-e-2"
    size_px: int = 512
    response_format: str = "b64_json"
    key_file: Path | None = None
    picture_cost_usd: float = 0.0
    max_cost_usd: float | None = None
    max_images: int | None = None
    timeout_s: float = 60.0
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        address = urlsplit(self.base_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ConfigError(
                f"the images endpoint '{self.base_url}' is no address; it must begin with http:// or https://. "
                "Give one such as https://api.openai.com/v1."
            )
        if address.username is not None or address.password is not None or address.query:
            raise ConfigError(
                f"the address of the images endpoint at '{address.hostname}' holds a name, a password or a query; it "
                f"would be written into records. Give it without, and the key in {KEY_VARIABLE} or a key file."
            )
        if self.response_format not in RESPONSE_FORMATS:
            raise ConfigError(
                f"response_format is {self.response_format!r}; it can be 'b64_json', 'url', or '' not to send it. "
                "Give b64_json."
            )
        if self.size_px < 1 or not self.timeout_s > 0:
            raise ConfigError(
                f"size_px is {self.size_px} and timeout_s {self.timeout_s}; both must be above 0. Give 512 and 60."
            )
        self._check_limits()

    def _check_limits(self) -> None:
        if self.picture_cost_usd < 0 or (self.max_cost_usd is not None and self.max_cost_usd < 0):
            raise ConfigError(
                f"picture_cost_usd is {self.picture_cost_usd} and max_cost_usd {self.max_cost_usd}; "
                "neither may be negative. Give the price of one picture in US dollars."
            )
        if self.max_cost_usd is not None and self.picture_cost_usd == 0:
            raise ConfigError(
                f"max_cost_usd is {self.max_cost_usd} but picture_cost_usd is 0; a cost limit needs the price of a "
                "picture. Give it, above 0."
            )
        if self.max_images is not None and self.max_images < 0:
            raise ConfigError(f"max_images is {self.max_images}; it must be 0 or larger. Give 100.")


@final
class ImagesApiGenerator(ImageGenerator):
    """Asks an endpoint for pictures, one a call, and never for more than the limits allow.

    Endpoints of this kind take no seed: asked twice, they draw two pictures. A seed here only names a picture, so
    that the render cache keeps one for each seed; wrapped in `CachedGenerator` with `batch_size=1`, equal seeds give
    equal pictures and no picture is paid for twice.

    Attributes:
        settings: endpoint, form of the pictures, limits.
        num_images: pictures that arrived.
        num_uncertain: calls that timed out or broke off; the endpoint may have drawn and charged for them, so they
            count towards both limits.
        num_calls: calls made, failed ones and repetitions included.
    """

    def __init__(self, settings: ImagesApiSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Makes a client; the key goes into it and nowhere else.

        Args:
            settings: endpoint, form of the pictures, limits.
            sleep: waits that many seconds.
        """
        self.settings = settings
        self._sleep = sleep
        self._openai: Any = _import_openai()
        self._client: Any = self._openai.OpenAI(
            api_key=_read_key(settings.key_file), base_url=settings.base_url, timeout=settings.timeout_s, max_retries=0
        )
        self.num_images = 0
        self.num_uncertain = 0
        self.num_calls = 0

    @property
    def identity(self) -> str:
        """Endpoint, model and size, as one line; an endpoint tells no digest of its weights."""
        asked = self.settings
        return f"images-api endpoint={asked.base_url} model={asked.model} size_px={asked.size_px} seeds=names-only"

    @property
    def cost_usd(self) -> float:
        """What was spent at most, in US dollars."""
        return (self.num_images + self.num_uncertain) * self.settings.picture_cost_usd

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        """Asks for one picture per prompt.

        Args:
            prompts: what to draw; endpoints take no negative prompt.
            seeds: one per prompt; they name the pictures and do not reach the endpoint.

        Returns:
            The pictures in the order of the prompts, RGB, 0 to 255. A `BudgetExceededError` tells before the call
            that would exceed a limit, a `PromptRefusedError` where the endpoint refuses the words, an
            `ImagesApiError` where it fails.

        Raises:
            GenerationError: if a prompt has a negative text.
        """
        check_request(prompts, seeds=seeds)
        for prompt in prompts:
            if prompt.negative:
                raise GenerationError(
                    f"the negative prompt {prompt.negative!r} cannot be used: images endpoints take none, so only '' "
                    "is allowed. Leave it out."
                )
        side = self.settings.size_px
        images = np.zeros((len(prompts), side, side, 3), dtype=np.uint8)
        for place, prompt in enumerate(prompts):
            images[place] = self._draw(prompt.text)
        return images

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def _draw(self, text: str) -> Image:
        retries = self.settings.retries
        answer = retries.run(lambda: self._ask(text), sleep=self._sleep)
        return retries.run(lambda: self._receive(answer), sleep=self._sleep)

    def _receive(self, answer: "ApiImage") -> Image:
        """Takes the picture out of an answer, or fetches it from where the answer says."""
        if answer.b64_json is not None:
            content = decode_base64(answer.b64_json)
        else:
            content = fetch_picture(str(answer.url), timeout_s=self.settings.timeout_s)
        return decode_picture(content, size_px=self.settings.size_px)

    def _ask(self, text: str) -> "ApiImage":
        """Makes one call; gives the answer's picture, as base64 or as an address."""
        self._require_budget()
        self.num_calls += 1
        asked = self.settings
        form = asked.response_format or self._openai.omit
        try:
            answer = self._client.images.generate(
                model=asked.model, prompt=text, n=1, size=f"{asked.size_px}x{asked.size_px}", response_format=form
            )
        except self._openai.APIStatusError as error:
            raise self._failure(error, text=text) from error
        except self._openai.APIConnectionError as error:
            # Where no connection was made, nothing can have been drawn.
            self.num_uncertain += type(error.__cause__).__name__ not in {"ConnectError", "ConnectTimeout"}
            raise AttemptFailedError(self._no_answer(error)) from error
        self.num_images += 1
        pictures: list[ApiImage] | None = getattr(answer, "data", None)
        if not pictures or (pictures[0].b64_json is None and pictures[0].url is None):
            raise AttemptFailedError(unusable_answer("an answer without b64_json or url"))
        return pictures[0]

    def _require_budget(self) -> None:
        """Stops before the call that would exceed a limit."""
        asked = self.settings
        num_after = self.num_images + self.num_uncertain + 1
        if asked.max_images is not None and num_after > asked.max_images:
            raise BudgetExceededError(
                f"picture {num_after} would exceed max_images = {asked.max_images}; no further picture is asked for. "
                "Raise the limit to go on; what was drawn is kept."
            )
        cost_usd = num_after * asked.picture_cost_usd
        if asked.max_cost_usd is not None and cost_usd > asked.max_cost_usd + ROUNDING_USD:
            raise BudgetExceededError(
                f"picture {num_after} would bring the cost to {cost_usd:.3f} USD, above max_cost_usd = "
                f"{asked.max_cost_usd:.3f}; no further picture is asked for. Raise the limit to go on; what was drawn "
                "is kept."
            )

    def _failure(self, error: "APIStatusError", *, text: str) -> AttemptFailedError:
        body = error.body if isinstance(error.body, dict) else {}
        words = str(body.get("message") or error.message).replace(self._client.api_key, "[key]")
        return failure_of_status(
            error.status_code,
            code=error.code or "",
            words=words,
            headers=error.response.headers,
            prompt=text,
            endpoint=self.settings.base_url,
        )

    def _no_answer(self, error: Exception) -> ImagesApiError:
        is_stalled = isinstance(error, self._openai.APITimeoutError)
        what = f"did not answer within {self.settings.timeout_s:g} s" if is_stalled else "could not be reached"
        return ImagesApiError(
            f"the images endpoint '{self.settings.base_url}' {what}; it must be reachable by http or https. "
            "Check the address and the network, or raise timeout_s.",
            status=None,
            is_retryable=True,
        )


def _import_openai() -> ModuleType:
    try:
        import openai
    except ImportError as error:
        raise MissingExtraError(
            "an images endpoint needs the package 'openai', which is not installed. "
            "Install it with: pip install 'rldf[api]'."
        ) from error
    return openai


def _read_key(key_file: Path | None) -> str:
    """The key, from a file or the environment; never part of a message."""
    if key_file is None:
        key, place = os.environ.get(KEY_VARIABLE, ""), f"the environment variable {KEY_VARIABLE}"
    else:
        place = f"the key file '{key_file}'"
        try:
            key = key_file.expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{place} cannot be read ({type(error).__name__}); it must be a text file with the key alone. "
                "Check its path and its rights."
            ) from error
    key = key.strip()
    if not key or any(character.isspace() for character in key):
        raise ConfigError(
            f"{place} holds no key; an images endpoint needs one, a single word, and one without keys takes any. "
            f"Set {KEY_VARIABLE} or name a key file."
        )
    return key
