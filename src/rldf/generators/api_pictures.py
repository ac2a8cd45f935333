"""Pictures out of an endpoint's answers: bounded in size, decoded, checked."""

import binascii
from base64 import b64decode
from io import BytesIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

import numpy as np
from PIL import Image as PillowImage

from rldf.arrays import Image
from rldf.errors import ImagesApiError
from rldf.generators.api_failures import RETRYABLE_STATUSES, AttemptFailedError

MAX_PICTURE_BYTES = 32 * 2**20  # our choice: a 1024 px PNG takes about 3 MiB
FORMATS = ("PNG", "JPEG", "WEBP")
SUCCESS = 200


def decode_base64(text: str) -> bytes:
    """Turns base64 into the bytes of a picture.

    Args:
        text: of an answer.

    Returns:
        The bytes.

    Raises:
        AttemptFailedError: if it is too long or no base64.
    """
    if len(text) > MAX_PICTURE_BYTES * 4 // 3 + 4:
        raise AttemptFailedError(unusable_answer(f"a picture of more than {MAX_PICTURE_BYTES} bytes"))
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AttemptFailedError(unusable_answer("text that is no base64")) from error


def fetch_picture(url: str, *, timeout_s: float) -> bytes:
    """Fetches a picture from where the endpoint says it is.

    Args:
        url: http or https; nothing else is opened, nor by a redirection.
        timeout_s: seconds to wait for each part of the answer.

    Returns:
        The bytes.

    Raises:
        AttemptFailedError: if it cannot be fetched, or is larger than the bound.
    """
    _require_http(url)
    try:
        with _http_opener().open(Request(url), timeout=timeout_s) as answer:
            content: bytes = answer.read(MAX_PICTURE_BYTES + 1)
    except HTTPError as error:
        with error:
            status, is_retryable = error.code, error.code in RETRYABLE_STATUSES
        raise AttemptFailedError(_not_fetched(f"status {status}", status=status, is_retryable=is_retryable)) from error
    except (URLError, OSError) as error:
        raise AttemptFailedError(_not_fetched(type(error).__name__, status=None, is_retryable=True)) from error
    if len(content) > MAX_PICTURE_BYTES:
        raise AttemptFailedError(unusable_answer(f"a picture of more than {MAX_PICTURE_BYTES} bytes"))
    return content


def decode_picture(content: bytes, *, size_px: int) -> Image:
    """Decodes a picture and checks its size before its pixels are unpacked.

    Args:
        content: PNG, JPEG or WebP.
        size_px: side it must have.

    Returns:
        RGB, 0 to 255.

    Raises:
        AttemptFailedError: if it is no picture, or not of that size.
    """
    try:
        with PillowImage.open(BytesIO(content), formats=FORMATS) as picture:
            size = picture.size
            image = np.array(picture.convert("RGB")) if size == (size_px, size_px) else None
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise AttemptFailedError(unusable_answer("something that is no picture")) from error
    if image is None:
        sizes = f"{size[0]} x {size[1]} px where {size_px} x {size_px} was asked for"
        raise AttemptFailedError(unusable_answer(f"a picture of {sizes}"))
    return image


def _http_opener() -> OpenerDirector:
    """Opens http and https and follows redirections to them; what urllib opens besides, ftp and files, it cannot."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPRedirectHandler,
        HTTPErrorProcessor,
        HTTPDefaultErrorHandler,
        UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _require_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        what = f"a picture at an address of the kind {parts.scheme!r}, where http and https are opened"
        raise AttemptFailedError(unusable_answer(what))


def unusable_answer(what: str) -> ImagesApiError:
    """Says that an answer cannot be used; not retryable, since it was paid for and the next would be too."""
    return ImagesApiError(
        f"the images endpoint sent {what}; a PNG, JPEG or WebP picture of the size asked for is needed. "
        "Check the address, the model's name and the size.",
        status=SUCCESS,
        is_retryable=False,
    )


def _not_fetched(why: str, *, status: int | None, is_retryable: bool) -> ImagesApiError:
    return ImagesApiError(
        f"the picture could not be fetched from where the images endpoint put it ({why}); it must be reachable "
        "by http or https. Try again later, or ask for response_format 'b64_json'.",
        status=status,
        is_retryable=is_retryable,
    )
