import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PIL import Image as PillowImage
from tests.generators.playing_server import SIDE_PX, PlayingServer, Reply, error, picture, picture_bytes, playing_server

from rldf.contracts import ImageGenerator
from rldf.errors import (
    BudgetExceededError,
    ConfigError,
    GenerationError,
    ImagesApiError,
    MissingExtraError,
    PromptRefusedError,
)
from rldf.generators import api_pictures
from rldf.generators.api_failures import Retries, wait_asked_for
from rldf.generators.cache import CachedGenerator
from rldf.generators.images_api import KEY_VARIABLE, ImagesApiGenerator, ImagesApiSettings
from rldf.records.percept import Prompt
from rldf.testing.generators import ImageGeneratorSuite

KEY = "sk-very-secret-0123456789"
COW = Prompt(text="a cow")
CAR = Prompt(text="a car")
Make = Callable[..., ImagesApiGenerator]


def fail(line: str) -> NoReturn:
    pytest.fail(f"nothing should have been said, but: {line}")


@pytest.fixture
def server() -> Iterator[PlayingServer]:
    with playing_server() as play:
        yield play


@pytest.fixture
def waits() -> list[float]:
    """How long the generator waited, instead of waiting."""
    return []


@pytest.fixture
def make(server: PlayingServer, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    made: list[ImagesApiGenerator] = []

    def make_generator(**settings: object) -> ImagesApiGenerator:
        given = {"base_url": f"{server.address}/v1", "size_px": SIDE_PX, "timeout_s": 5.0} | settings
        made.append(ImagesApiGenerator(ImagesApiSettings(**given), sleep=waits.append))  # type: ignore[arg-type]
        return made[-1]

    yield make_generator
    for generator in made:
        generator.close()


class TestImagesApiBehindTheCache(ImageGeneratorSuite):
    @pytest.fixture(autouse=True)
    def _make(self, make: Make) -> None:
        self.make = make

    def make_generator(self) -> ImageGenerator:
        return CachedGenerator(self.make(), announce=fail, batch_size=1)


def test_generate__asks_for_one_picture_a_call(server: PlayingServer, make: Make) -> None:
    images = make().generate([COW, CAR], seeds=[1, 2])
    for number, image in enumerate(images, start=1):
        expected = np.asarray(PillowImage.open(BytesIO(picture_bytes(number))))
        np.testing.assert_array_equal(image, expected)
    asked = {"model": "dall-e-2", "n": 1, "size": "16x16", "response_format": "b64_json"}
    path = "/v1/images/generations"
    assert server.requests == [{**asked, "prompt": "a cow", "path": path}, {**asked, "prompt": "a car", "path": path}]
    assert server.keys == [f"Bearer {KEY}"] * 2


def test_generate__response_format_left_out__not_sent(server: PlayingServer, make: Make) -> None:
    make(response_format="").generate([COW], seeds=[1])
    assert "response_format" not in server.requests[0]


def test_generate__rate_limit__waits_as_asked_then_goes_on(
    server: PlayingServer, make: Make, waits: list[float]
) -> None:
    server.script = [error(429, code="rate_limit_exceeded", headers={"Retry-After": "7"}), picture(1)]
    generator = make(picture_cost_usd=0.02)
    generator.generate([COW], seeds=[1])
    assert waits == [7.0]
    assert (generator.num_calls, generator.num_images, generator.cost_usd) == (2, 1, 0.02)


def test_generate__server_errors__backs_off_exponentially(
    server: PlayingServer, make: Make, waits: list[float]
) -> None:
    server.script = [error(500), error(503), error(502), picture(1)]
    make(retries=Retries(max_retries=3, first_wait_s=0.5, max_wait_s=1.5)).generate([COW], seeds=[1])
    assert waits == [0.5, 1.0, 1.5]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_generate__fails_for_good__retryable_error(
    server: PlayingServer, make: Make, waits: list[float], status: int
) -> None:
    server.default = lambda number: error(status, message=f"busy {number}")
    with pytest.raises(ImagesApiError, match=rf"status {status}: busy 3\).*Try again later") as caught:
        make(retries=Retries(max_retries=2)).generate([COW], seeds=[1])
    assert (caught.value.status, caught.value.is_retryable) == (status, True)
    assert waits == [1.0, 2.0]
    assert len(server.requests) == 3


def test_generate__asked_to_wait_too_long__not_waited_for(
    server: PlayingServer, make: Make, waits: list[float]
) -> None:
    server.script = [error(429, headers={"Retry-After": "3600"})]
    with pytest.raises(ImagesApiError, match=r"status 429"):
        make().generate([COW], seeds=[1])
    assert waits == []


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "content_policy_violation", "Your request was rejected."),
        (400, "moderation_blocked", ""),
        (400, "", "Your request was rejected as a result of our safety system."),
        (403, "content_filter", "filtered"),
    ],
)
def test_generate__refused__told_apart_and_not_tried_again(
    server: PlayingServer, make: Make, waits: list[float], status: int, code: str, message: str
) -> None:
    server.script = [error(status, code=code, message=message)]
    generator = make()
    with pytest.raises(PromptRefusedError, match=r"refused the prompt 'a cow'.*Change the words"):
        generator.generate([COW], seeds=[1])
    assert (len(server.requests), waits, generator.num_images) == (1, [], 0)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "invalid_size", r"did not accept the request \(status 400: wrong\).*Check the model's name"),
        (401, "invalid_api_key", r"does not accept the key \(status 401\). Check OPENAI_API_KEY"),
        (403, "", r"does not accept the key \(status 403\)"),
        (404, "model_not_found", r"knows no such model or address \(status 404: wrong\)"),
        (429, "insufficient_quota", r"quota is used up \(status 429\)"),
    ],
)
def test_generate__pointless_to_try_again__one_call(
    server: PlayingServer, make: Make, waits: list[float], status: int, code: str, words: str
) -> None:
    server.script = [error(status, code=code, message="wrong")]
    with pytest.raises(ImagesApiError, match=words) as caught:
        make().generate([COW], seeds=[1])
    assert (caught.value.status, caught.value.is_retryable) == (status, False)
    assert (len(server.requests), waits) == (1, [])


def test_generate__stalled_connection__times_out_and_counts_as_paid(
    server: PlayingServer, make: Make, waits: list[float]
) -> None:
    server.default = lambda _: Reply(stall_s=20.0)
    generator = make(timeout_s=0.1, retries=Retries(max_retries=1), picture_cost_usd=0.5)
    with pytest.raises(ImagesApiError, match=r"did not answer within 0.1 s.*raise timeout_s") as caught:
        generator.generate([COW], seeds=[1])
    assert (caught.value.status, caught.value.is_retryable) == (None, True)
    assert (generator.num_images, generator.num_uncertain, generator.cost_usd) == (0, 2, 1.0)
    assert waits == [1.0]


def test_generate__stalled_once__goes_on(server: PlayingServer, make: Make) -> None:
    server.script = [Reply(stall_s=20.0), picture(1)]
    generator = make(timeout_s=0.2)
    generator.generate([COW], seeds=[1])
    assert (generator.num_images, generator.num_uncertain) == (1, 1)


def test_generate__nobody_there__unreachable_and_free(make: Make) -> None:
    generator = make(base_url="http://127.0.0.1:9/v1", retries=Retries(max_retries=1))
    with pytest.raises(ImagesApiError, match=r"could not be reached.*Check the address") as caught:
        generator.generate([COW], seeds=[1])
    assert (caught.value.status, generator.num_calls, generator.num_uncertain) == (None, 2, 0)


def test_generate__max_images__stops_before_the_call(server: PlayingServer, make: Make) -> None:
    generator = make(max_images=3)
    generator.generate([COW, CAR], seeds=[1, 2])
    with pytest.raises(BudgetExceededError, match=r"picture 4 would exceed max_images = 3.*Raise the limit"):
        generator.generate([COW, CAR], seeds=[3, 4])
    assert len(server.requests) == generator.num_images == 3


def test_generate__max_cost__stops_before_the_call(server: PlayingServer, make: Make) -> None:
    generator = make(picture_cost_usd=0.1, max_cost_usd=0.3)
    with pytest.raises(BudgetExceededError, match=r"picture 4 .* cost to 0.400 USD, above max_cost_usd = 0.300"):
        generator.generate([COW] * 9, seeds=range(9))
    assert len(server.requests) == 3
    assert generator.cost_usd == pytest.approx(0.3)


def test_generate__limit_reached_while_trying_again__stops(server: PlayingServer, make: Make) -> None:
    server.default = lambda _: Reply(stall_s=20.0)
    generator = make(timeout_s=0.1, max_images=2)
    with pytest.raises(BudgetExceededError, match=r"picture 3 would exceed max_images = 2"):
        generator.generate([COW], seeds=[1])
    assert generator.num_uncertain == 2


def test_generate__behind_the_cache__pays_once_for_each_seed(server: PlayingServer, make: Make) -> None:
    for _ in range(2):
        cache = CachedGenerator(make(), announce=fail, batch_size=1)
        images = cache.generate([COW, COW, COW], seeds=[1, 2, 1])
        assert np.array_equal(images[0], images[2])
        assert not np.array_equal(images[0], images[1])
    assert len(server.requests) == 2


def test_generate__refused_half_way__what_was_paid_is_kept(server: PlayingServer, make: Make) -> None:
    server.script = [picture(1), picture(2), error(400, code="content_policy_violation")]
    with pytest.raises(PromptRefusedError):
        CachedGenerator(make(), announce=fail, batch_size=1).generate([COW] * 3, seeds=[1, 2, 3])
    again = CachedGenerator(make(), announce=fail, batch_size=1)
    again.generate([COW] * 2, seeds=[1, 2])
    assert again.counter.hits == 2


def test_generate__url_answer__fetched_without_the_key(server: PlayingServer, make: Make) -> None:
    server.script = [
        Reply(body={"created": 1, "data": [{"url": f"{server.address}/picture"}]}),
        error(503),
        Reply(status=302, headers={"Location": f"{server.address}/elsewhere"}),
        Reply(content=picture_bytes(5, form="WEBP")),
    ]
    generator = make(response_format="url")
    assert generator.generate([COW], seeds=[1]).shape == (1, SIDE_PX, SIDE_PX, 3)
    assert [request["path"] for request in server.requests[1:]] == ["/picture", "/picture", "/elsewhere"]
    assert server.keys == [f"Bearer {KEY}"]
    assert generator.num_images == 1  # fetching again costs nothing


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/picture", "nothing"])
def test_generate__url_of_another_kind__never_opened(server: PlayingServer, make: Make, url: str) -> None:
    server.script = [Reply(body={"created": 1, "data": [{"url": url}]})]
    with pytest.raises(ImagesApiError, match=r"an address of the kind '(file|ftp|)', where http and https are opened"):
        make().generate([COW], seeds=[1])
    address = f"{server.address}/picture"
    server.script = [
        Reply(body={"created": 1, "data": [{"url": address}]}),
        Reply(status=302, headers={"Location": url}),
    ]
    with pytest.raises(ImagesApiError):
        make(retries=Retries(max_retries=0)).generate([COW], seeds=[1])


def test_generate__picture_gone__not_tried_again(server: PlayingServer, make: Make) -> None:
    server.script = [Reply(body={"created": 1, "data": [{"url": f"{server.address}/picture"}]}), error(404)]
    with pytest.raises(ImagesApiError, match=r"could not be fetched .*\(status 404\).*b64_json"):
        make().generate([COW], seeds=[1])


@pytest.mark.parametrize("is_url", [True, False])
def test_generate__picture_larger_than_the_bound__refused(
    server: PlayingServer,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    is_url: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(api_pictures, "MAX_PICTURE_BYTES", 100)
    address = {"url": f"{server.address}/picture"}
    data = address if is_url else {"b64_json": b64encode(picture_bytes(1)).decode()}
    server.script = [Reply(body={"created": 1, "data": [data]}), Reply(content=picture_bytes(1))]
    with pytest.raises(ImagesApiError, match=r"a picture of more than 100 bytes"):
        make().generate([COW], seeds=[1])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (picture(1, side_px=24), r"24 x 24 px where 16 x 16 was asked for"),
        (Reply(body={"created": 1, "data": []}), r"an answer without b64_json or url"),
        (Reply(body={"created": 1, "data": [{}]}), r"an answer without b64_json or url"),
        (Reply(body={"created": 1}), r"an answer without b64_json or url"),
        (Reply(content=b"<html>"), r"an answer without b64_json or url"),
        (Reply(body={"created": 1, "data": [{"b64_json": "?!"}]}), r"text that is no base64"),
        (Reply(body={"created": 1, "data": [{"b64_json": "aGVsbG8="}]}), r"something that is no picture"),
    ],
)
def test_generate__answer_of_no_use__one_clear_line_and_not_paid_again(
    server: PlayingServer, make: Make, reply: Reply, words: str
) -> None:
    server.script = [reply]
    generator = make()
    with pytest.raises(ImagesApiError, match=words) as caught:
        generator.generate([COW], seeds=[1])
    assert "\n" not in str(caught.value)
    assert not caught.value.is_retryable
    assert generator.num_images == len(server.requests) == 1


def test_generate__negative_prompt__refused(server: PlayingServer, make: Make) -> None:
    with pytest.raises(GenerationError, match=r"'blurry' cannot be used: images endpoints take none.*Leave it out"):
        make().generate([COW, Prompt(text="a cow", negative="blurry")], seeds=[1, 2])
    assert server.requests == []


def test_key__never_shown(server: PlayingServer, make: Make) -> None:
    server.default = lambda number: error(400 + number, message=f"Incorrect API key provided: {KEY}")
    generator = make()
    for _ in range(5):
        with pytest.raises(ImagesApiError) as caught:
            generator.generate([COW], seeds=[1])
        assert KEY not in str(caught.value)
        assert KEY[:6] not in str(caught.value)
    assert KEY not in generator.identity + repr(generator) + repr(generator.settings)


def test_key__from_a_file(server: PlayingServer, make: Make, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-the-file\n")
    make(key_file=tmp_path / "key").generate([COW], seeds=[1])
    assert server.keys == ["Bearer from-the-file"]


def test_key__missing__refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two words").write_text(f"key = {KEY}")
    with pytest.raises(ConfigError, match=r"the key file '.*two words' holds no key; .*single word") as caught:
        make(key_file=tmp_path / "two words")
    assert KEY not in str(caught.value)
    with pytest.raises(ConfigError, match=r"the key file '.*none' cannot be read \(FileNotFoundError\)"):
        make(key_file=tmp_path / "none")
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(ConfigError, match=r"variable OPENAI_API_KEY holds no key.*Set OPENAI_API_KEY or name a key"):
        make()


def test_openai__not_installed__names_the_extra(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"needs the package 'openai'.*pip install 'rldf\[api\]'"):
        make()


def test_identity__endpoint_model_and_size(make: Make, server: PlayingServer) -> None:
    address = f"{server.address}/v1"
    assert make().identity == f"images-api endpoint={address} model=dall-e-2 size_px=16 seeds=names-only"
    assert make(model="other").identity != make().identity != make(size_px=24).identity


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "api.openai.com"}, r"'api.openai.com' is no address; it must begin with http"),
        ({"base_url": "file:///x"}, r"is no address"),
        ({"base_url": "https://me:secret@host/v1"}, r"at 'host' holds a name, a password or a query"),
        ({"base_url": "https://host/v1?key=secret"}, r"at 'host' holds a name, a password or a query"),
        ({"response_format": "png"}, r"response_format is 'png'; .*Give b64_json"),
        ({"size_px": 0}, r"size_px is 0 and timeout_s 60.0; both must be above 0"),
        ({"timeout_s": 0.0}, r"timeout_s 0.0; both must be above 0"),
        ({"picture_cost_usd": -1.0}, r"picture_cost_usd is -1.0 .*neither may be negative"),
        ({"max_cost_usd": 1.0}, r"max_cost_usd is 1.0 but picture_cost_usd is 0; .*Give it, above 0"),
        ({"max_images": -1}, r"max_images is -1; .*Give 100"),
    ],
)
def test_settings__out_of_range__refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        ImagesApiSettings(**settings)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_retries__out_of_range__refused() -> None:
    with pytest.raises(ConfigError, match=r"max_retries is -1; it must be 0 or larger. Give 4"):
        Retries(max_retries=-1)
    with pytest.raises(ConfigError, match=r"first_wait_s is 2.0 and max_wait_s 1.0; .*Give 1 and 60"):
        Retries(first_wait_s=2.0, max_wait_s=1.0)


def test_wait_asked_for__seconds_or_date() -> None:
    assert wait_asked_for({"retry-after": "12"}) == 12.0
    assert wait_asked_for({"retry-after": "soon"}) is None
    assert wait_asked_for({}) is None
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert wait_asked_for({"retry-after": in_a_minute}) == pytest.approx(60.0, abs=5.0)
    assert wait_asked_for({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
