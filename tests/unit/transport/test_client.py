"""The client against a real server on loopback that misbehaves on request."""

import asyncio
import contextlib
import socket

import pytest

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.transport.client import ATTEMPTS_MAX, HttpPool, HttpSettings
from hutong.transport.failures import PaceExceeded, PlatformUnreachable
from hutong.transport.messages import Request
from hutong.transport.pacing import Pace

FREE = Pace(calls=1000, seconds=1)
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\nX-Mark: Yes\r\n\r\nok"


class Server:
    """Answers each connection with the next script: bytes are sent, None hangs up, a number waits that long."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.seen: list[bytes] = []
        self.tasks: set[asyncio.Task] = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            await self._answer(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            self.seen.append(head + await reader.readexactly(length))
            script = self.scripts.pop(0) if self.scripts else OK
            for step in script if isinstance(script, list) else [script]:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif step is not None:
                    writer.write(step)
                    await writer.drain()


def run(scripts, request, settings=None, pace=FREE):
    """Send one request (given its path) and return what came back with what the server saw."""
    slept: list[float] = []

    async def no_sleep(seconds):
        slept.append(seconds)

    async def main():
        async with Server(*scripts) as server, HttpPool(settings, sleep=no_sleep) as pool:
            outcome = None
            try:
                outcome = await pool.account("p", "a", pace).send(request(server.base))
            except (PlatformFailure, PlatformUnknown) as error:
                outcome = error
            return outcome, server.seen, slept

    return asyncio.run(main())


def get(path="/", **more):
    return lambda base: Request(method="GET", url=base + path, **more)


def test_header_names_come_lower_and_the_target_goes_out_as_it_was_signed():
    response, seen, _ = run([OK], get("/v3/a%7Cb/c?x=%20y&z=%E4%BA%92"))
    assert (response.status, response.body, response.headers["x-mark"]) == (200, b"ok", "Yes")
    assert seen[0].startswith(b"GET /v3/a%7Cb/c?x=%20y&z=%E4%BA%92 HTTP/1.1\r\n")
    assert b"accept-encoding: identity" in seen[0].lower()


def test_a_url_that_the_library_would_rewrite_is_refused():
    with pytest.raises(ValueError, match="percent-encoded"):
        run([OK], get("/a b?x=互"))


def test_the_body_goes_out_byte_for_byte():
    body = '{"a": "互通",\n"b":1}'.encode()
    _, seen, _ = run([OK], lambda base: Request(method="POST", url=base + "/", body=body))
    assert seen[0].endswith(b"\r\n\r\n" + body)


def test_redirects_are_answers_not_orders():
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    response, seen, _ = run([moved], get(repeatable=True))
    assert response.status == 302
    assert len(seen) == 1


BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_only_repeatable_requests_are_sent_again():
    response, seen, slept = run([BUSY, None, OK], get(repeatable=True))
    assert (response.status, len(seen)) == (200, 3)
    assert slept[0] < slept[1] * 2 + 1e-9
    assert len(slept) == 2
    response, seen, _ = run([BUSY, OK], get())
    assert (response.status, len(seen)) == (503, 1)


def test_no_repeat_starts_after_its_time():
    clock = iter(range(0, 1000, 15))

    async def main():
        async def no_sleep(_):
            pass

        async with Server(BUSY, BUSY, OK) as server, HttpPool(now_s=lambda: next(clock), sleep=no_sleep) as pool:
            client = pool.account("p", "a", FREE)
            response = await client.send(Request(method="GET", url=server.base + "/", repeatable=True))
            return response.status, len(server.seen)

    status, count = asyncio.run(main())
    assert status == 503
    assert count < ATTEMPTS_MAX


def test_a_broken_line_is_unknown_and_not_repeated():
    error, seen, _ = run([None], get())
    assert isinstance(error, PlatformUnknown)
    assert len(seen) == 1


def test_repeats_are_bounded_and_the_last_answer_is_handed_over():
    response, seen, _ = run([BUSY] * 9, get(repeatable=True))
    assert (response.status, len(seen)) == (503, ATTEMPTS_MAX)
    error, seen, _ = run([None] * 9, get(repeatable=True))
    assert isinstance(error, PlatformUnknown)
    assert len(seen) == ATTEMPTS_MAX


def test_silence_is_unknown():
    settings = HttpSettings(read_timeout_s=0.05)
    error, seen, _ = run([[5.0]], get(), settings)
    assert isinstance(error, PlatformUnknown)
    assert len(seen) == 1


def test_a_body_that_drips_forever_ends_at_the_total_limit():
    drip = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"]
    for _ in range(100):
        drip += [b"x", 0.03]
    error, _, _ = run([drip], get(), HttpSettings(read_timeout_s=0.5, total_timeout_s=0.2))
    assert isinstance(error, PlatformUnknown)


def test_a_body_beyond_the_limit_is_unknown():
    settings = HttpSettings(body_bytes_max=10)
    fits = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + b"x" * 10
    response, _, _ = run([fits], get(), settings)
    assert response.body == b"x" * 10
    error, _, _ = run([fits.replace(b"10\r", b"11\r") + b"x"], get(), settings)
    assert isinstance(error, PlatformUnknown)


def test_a_compression_that_was_not_asked_for_is_not_unfolded():
    error, _, _ = run([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"], get())
    assert isinstance(error, PlatformUnknown)


def test_a_refused_connection_is_a_failure_that_says_nothing_left():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    error, seen, slept = run([], lambda _: Request(method="GET", url=f"http://127.0.0.1:{port}/"))
    assert isinstance(error, PlatformUnreachable)
    assert isinstance(error, PlatformFailure)
    assert seen == []
    assert len(slept) == ATTEMPTS_MAX - 1, "surely not sent, so it is tried again though not repeatable"


def test_the_pace_holds_callers_back_and_its_queue_is_bounded():
    slept: list[float] = []

    async def main():
        async def note(seconds):
            slept.append(seconds)

        settings = HttpSettings(pace_wait_max_s=15)
        async with Server() as server, HttpPool(settings, now_s=lambda: 50.0, sleep=note) as pool:
            client = pool.account("p", "a", Pace(calls=1, seconds=10))
            request = Request(method="GET", url=server.base + "/")
            await client.send(request)
            await client.send(request)
            with pytest.raises(PaceExceeded):
                await client.send(request)
            await pool.account("p", "other", Pace(calls=1, seconds=10)).send(request)
            return len(server.seen)

    assert asyncio.run(main()) == 3
    assert slept == [10.0]


def test_every_sentence_is_there_in_both_languages():
    for error in (PlatformUnreachable(platform="wechatpay"), PaceExceeded(platform="wechatpay")):
        for locale in ("zh-Hans", "en"):
            text = error.text(locale)
            assert "wechatpay" in text.sentence
            assert "?" not in text.fix
