"""Rewards computed by another program: pictures as PNG in JSON over HTTP; never pickles."""

import json
import math
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from http.client import HTTPException
from threading import Thread
from typing import Any, final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
from jaxtyping import Float

from rldf.contracts import Reward, Target
from rldf.errors import ConfigError
from rldf.records.percept import Outcome
from rldf.records.pictures import encode_png
from rldf.rewards.failures import RewardError

RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_ANSWER_BYTES = 10_000_000
CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """How a reward server is asked.

    Attributes:
        url: where, http or https.
        low, high: bounds of the rewards; a reward outside them is an error.
        timeout_s: seconds one request may take, from asking to the last byte of the answer, above 0.
        max_attempts: requests for one batch at most, at least 1.
        wait_s: seconds before the second attempt; doubled before each further one.

    Raises:
        ConfigError: if a value is not allowed.
    """

    url: str
    low: float = 0.0
    high: float = 1.0
    timeout_s: float = 60.0
    max_attempts: int = 4
    wait_s: float = 1.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(
                f"the reward server is '{self.url}'; an address begins with http:// or https://. Give one."
            )
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ConfigError(
                f"the bounds of the reward server are {self.low} and {self.high}; two finite numbers, the smaller "
                "first, are needed. Change them."
            )
        if self.timeout_s <= 0 or self.max_attempts < 1 or self.wait_s < 0:
            raise ConfigError(
                f"timeout_s {self.timeout_s}, max_attempts {self.max_attempts} and wait_s {self.wait_s} must be above "
                "0, at least 1, and 0 or larger. Change them."
            )


@final
class RemoteReward(Reward):
    """Asks a server for rewards.

    The request is `{"images": [base64 PNG, ...], "prompts": [text, ...], "seeds": [number, ...]}`, the answer
    `{"rewards": [number, ...]}`. PNG keeps every pixel. A failure is an error after bounded attempts, never a reward.
    """

    def __init__(self, settings: RemoteSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Keeps where to ask.

        Args:
            settings: where and how.
            sleep: waits between attempts.
        """
        self._settings = settings
        self._sleep = sleep
        self.bounds = (settings.low, settings.high)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores pictures by asking the server; the target is not sent.

        Args:
            outcomes: tries.
            target: may be empty.

        Returns:
            The server's rewards.
        """
        del target
        if not outcomes:
            return np.zeros(0)
        question = {
            "images": [b64encode(encode_png(outcome.image)).decode() for outcome in outcomes],
            "prompts": [outcome.prompt.text for outcome in outcomes],
            "seeds": [outcome.seed for outcome in outcomes],
        }
        return self._read(self._ask(json.dumps(question).encode()), count=len(outcomes))

    def _ask(self, body: bytes) -> bytes:
        """Sends a question, again after failures that may pass."""
        wait = self._settings.wait_s
        for attempt in range(1, self._settings.max_attempts + 1):
            try:
                return self._ask_once(body)
            except HTTPError as error:
                reason, may_pass = f"status {error.code}", error.code in RETRYABLE
                error.close()
            except (URLError, HTTPException, OSError) as error:
                reason, may_pass = str(getattr(error, "reason", error)) or type(error).__name__, True
            if not may_pass or attempt == self._settings.max_attempts:
                raise RewardError(
                    f"the reward server '{self._settings.url}' failed after {attempt} of at most "
                    f"{self._settings.max_attempts} attempts: {reason}. Start it again and go on with the run; its "
                    "address and time-out are reward.url and reward.url_timeout_s in the run.json of the run's folder."
                )
            self._sleep(wait)
            wait *= 2
        raise AssertionError("at least one attempt is made")

    def _ask_once(self, body: bytes) -> bytes:
        """Asks once, within the time-out as a whole; a socket's own holds for each read, however little comes."""
        asked: Future[bytes] = Future()

        def ask() -> None:
            try:
                asked.set_result(self._request(body, deadline=time.monotonic() + self._settings.timeout_s))
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                asked.set_exception(error)

        Thread(target=ask, name="reward server", daemon=True).start()
        try:
            return asked.result(timeout=self._settings.timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"no whole answer within {self._settings.timeout_s:g} s") from error

    def _request(self, body: bytes, *, deadline: float) -> bytes:
        """Sends one request and reads the answer piece by piece, so that nobody reads on after the deadline."""
        request = Request(self._settings.url, data=body, headers={"Content-Type": "application/json"}, method="POST")
        content = b""
        with urlopen(request, timeout=self._settings.timeout_s) as answer:
            while len(content) < MAX_ANSWER_BYTES:
                piece: bytes = answer.read1(CHUNK_BYTES)
                if not piece:
                    break
                content += piece
                if time.monotonic() > deadline:
                    raise TimeoutError
        return content

    def _read(self, content: bytes, *, count: int) -> Float[np.ndarray, " outcomes"]:
        low, high = self.bounds
        try:
            answer: Any = json.loads(content)
            rewards = np.array([float(number) for number in answer["rewards"]], dtype=np.float64)
        except (ValueError, TypeError, KeyError) as error:
            raise RewardError(
                f"the reward server '{self._settings.url}' gave an answer that cannot be read ({error!r}); it must be "
                '{"rewards": [number, ...]}. Correct the server.'
            ) from error
        if len(rewards) != count:
            raise RewardError(
                f"the reward server gave {len(rewards)} rewards for {count} pictures; one each is needed. Correct it."
            )
        wrong = rewards[~((rewards >= low) & (rewards <= high))]
        if len(wrong):
            raise RewardError(
                f"the reward server gave the reward {wrong[0]}; rewards must be numbers from {low:g} to {high:g}. "
                "Correct the server, or the bounds."
            )
        return rewards
