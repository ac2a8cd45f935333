"""A local HTTP server that plays an endpoint: each request gets the next scripted answer."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import numpy as np
from PIL import Image as PillowImage

SIDE_PX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: a JSON body or raw bytes, or no answer for `stall_s` seconds."""

    status: int = 200
    body: object = None
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stall_s: float = 0.0


def picture_bytes(number: int, *, side_px: int = SIDE_PX, form: str = "PNG") -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
    stream = BytesIO()
    PillowImage.fromarray(pixels).save(stream, format=form)
    return stream.getvalue()


def picture(number: int, *, side_px: int = SIDE_PX) -> Reply:
    text = b64encode(picture_bytes(number, side_px=side_px)).decode()
    return Reply(body={"created": 1, "data": [{"b64_json": text}]})


def error(status: int, *, code: str = "", message: str = "", headers: Mapping[str, str] | None = None) -> Reply:
    body = {"error": {"code": code, "message": message, "type": "made_up", "param": None}}
    return Reply(status=status, body=body, headers={} if headers is None else headers)


class PlayingServer:
    """Holds the script; keeps what was asked."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.default: Callable[[int], Reply] = picture
        self.requests: list[dict[str, object]] = []
        self.keys: list[str] = []
        self.address = ""
        self.stop_stalling = threading.Event()

    def next_reply(self) -> Reply:
        number = len(self.requests)
        return self.script.pop(0) if self.script else self.default(number)


@contextmanager
def playing_server() -> Iterator[PlayingServer]:
    """Serves on a free port of this machine until the block ends."""
    play = PlayingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            play.requests.append(json.loads(content) | {"path": self.path})
            play.keys.append(self.headers["Authorization"])
            self._answer()

        def do_GET(self) -> None:
            play.requests.append({"path": self.path, "method": "GET"})
            self._answer()

        def do_HEAD(self) -> None:
            play.requests.append({"path": self.path, "method": "HEAD"})
            self._answer(has_body=False)

        def _answer(self, *, has_body: bool = True) -> None:
            reply = play.next_reply()
            if reply.stall_s:
                play.stop_stalling.wait(reply.stall_s)
                self.close_connection = True
                return
            content = reply.content if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.body is not None:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if has_body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        play.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield play
        finally:
            play.stop_stalling.set()
            server.shutdown()
            thread.join()
