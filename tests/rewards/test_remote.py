"""A reward server: JSON only, bounded attempts, failures surfaced."""

import json
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import pytest

from rldf.contracts import Reward, Target
from rldf.errors import ConfigError
from rldf.rewards.failures import RewardError
from rldf.rewards.remote import RemoteReward, RemoteSettings
from rldf.testing.rewards import PictureRewardSuite, example_outcomes

OUTCOMES = example_outcomes()[:3]


class Answering(BaseHTTPRequestHandler):
    """Answers with what the test put there, in order."""

    answers: ClassVar[list[tuple[int, bytes]]] = []
    questions: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.questions.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, body = self.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        del format, args


@pytest.fixture
def url() -> Iterator[str]:
    Answering.answers, Answering.questions = [], []
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def reward_of(url: str, waits: list[float] | None = None) -> RemoteReward:
    settings = RemoteSettings(url=url, high=10.0, timeout_s=20.0, max_attempts=3, wait_s=1.0)
    return RemoteReward(settings, sleep=([] if waits is None else waits).append)


class TestRemote(PictureRewardSuite):
    @pytest.fixture(autouse=True)
    def _answer_by_prompts(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def answer(handler: Answering) -> None:
            asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
            body = json.dumps({"rewards": [len(prompt) % 10 for prompt in asked["prompts"]]}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        monkeypatch.setattr(Answering, "do_POST", answer)
        self.url = url

    def make_reward(self) -> Reward:
        return reward_of(self.url)


def test_server__gets_every_pixel_and_its_rewards_come_back(url: str) -> None:
    Answering.answers = [(200, b'{"rewards": [1, 2.5, 3]}')]
    assert reward_of(url).score(OUTCOMES, target=Target()).tolist() == [1.0, 2.5, 3.0]
    asked = Answering.questions[0]
    assert asked["prompts"] == [outcome.prompt.text for outcome in OUTCOMES]
    with PIL.Image.open(BytesIO(b64decode(asked["images"][1]))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), OUTCOMES[1].image)


def test_failure_that_passes__is_tried_again_with_longer_waits(url: str) -> None:
    waits: list[float] = []
    Answering.answers = [(503, b""), (500, b""), (200, b'{"rewards": [1, 2, 3]}')]
    assert reward_of(url, waits).score(OUTCOMES, target=Target()).tolist() == [1.0, 2.0, 3.0]
    assert waits == [1.0, 2.0]


def test_failure_that_stays__is_an_error_and_no_reward(url: str) -> None:
    Answering.answers = [(503, b"")] * 3
    with pytest.raises(RewardError, match=r"failed after 3 of at most 3 attempts: status 503"):
        reward_of(url).score(OUTCOMES, target=Target())


def test_wrong_request__is_not_repeated(url: str) -> None:
    Answering.answers = [(404, b"")]
    with pytest.raises(RewardError, match=r"failed after 1 of at most 3 attempts: status 404"):
        reward_of(url).score(OUTCOMES, target=Target())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"\x80\x04pickle", r"an answer that cannot be read"),
        (b'{"scores": [1]}', r"an answer that cannot be read"),
        (b'{"rewards": [1, 2]}', r"gave 2 rewards for 3 pictures"),
        (b'{"rewards": [1, NaN, 3]}', r"gave the reward nan"),
        (b'{"rewards": [1, 2, 11]}', r"gave the reward 11\.0; rewards must be numbers from 0 to 10"),
    ],
)
def test_answer_that_is_none__is_an_error(url: str, answer: bytes, message: str) -> None:
    Answering.answers = [(200, answer)]
    with pytest.raises(RewardError, match=message):
        reward_of(url).score(OUTCOMES, target=Target())


def drip(handler: Answering, *, head: int) -> None:
    """Answers byte by byte, a tenth of a second apart, after as many bytes at once."""
    whole = b'HTTP/1.0 200 OK\r\nContent-Length: 40\r\n\r\n{"rewards": [1, 2, 3]}' + b" " * 18
    handler.rfile.read(int(handler.headers["Content-Length"]))
    handler.wfile.write(whole[:head])
    try:
        for place in range(head, head + 20):
            handler.wfile.write(whole[place : place + 1])
            time.sleep(0.1)
    except OSError:
        pass  # nobody listens any more


@pytest.mark.parametrize("head", [15, 60], ids=["in the head", "in the rewards"])
def test_server_that_drips__does_not_hold_a_request_beyond_its_time(
    url: str, monkeypatch: pytest.MonkeyPatch, head: int
) -> None:
    monkeypatch.setattr(Answering, "do_POST", lambda handler: drip(handler, head=head))
    reward = RemoteReward(RemoteSettings(url=url, high=10.0, timeout_s=0.5, max_attempts=1))
    began = time.monotonic()
    with pytest.raises(RewardError, match=r"failed after 1 of at most 1 attempts: no whole answer within 0.5 s"):
        reward.score(OUTCOMES, target=Target())
    assert time.monotonic() - began < 1.5


def test_message_of_a_failure__says_what_can_be_done_about_a_run() -> None:
    message = (
        r"Start it again and go on with the run; its address and time-out are reward\.url and reward\.url_timeout_s"
    )
    with pytest.raises(RewardError, match=message):
        reward_of("http://127.0.0.1:9").score(OUTCOMES, target=Target())


def test_no_server__is_an_error() -> None:
    with pytest.raises(RewardError, match=r"'http://127.0.0.1:9' failed after 3 of at most 3 attempts"):
        reward_of("http://127.0.0.1:9").score(OUTCOMES, target=Target())


def test_settings__are_checked() -> None:
    with pytest.raises(ConfigError, match=r"'file:///etc/passwd'; an address begins with http"):
        RemoteSettings(url="file:///etc/passwd")
    with pytest.raises(ConfigError, match=r"bounds of the reward server are 1.0 and 0.0"):
        RemoteSettings(url="http://x", low=1.0, high=0.0)
    with pytest.raises(ConfigError, match=r"max_attempts 0"):
        RemoteSettings(url="http://x", max_attempts=0)
