"""Test the loop of the web server, on real sockets: slow clients delay nobody, and every limit holds."""

from __future__ import annotations

import queue
import select
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from config.web.kinds import Kind
from config.web.lanes import Lane
from config.web.server import nothing
from tests.examples import for_each
from tests.waiting import wait_until
from tests.web.serving import (
    PATIENCE_SECONDS,
    Client,
    Environ,
    Gate,
    Site,
    kind_that_serves,
    poll_until,
    request,
    serving,
)

HALF_OPEN = 40
"""More connections than a web server has threads."""


def echo(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Answer with the kind of the server, the length and the body."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [f"{kind_that_serves()} {environ.get('CONTENT_LENGTH', '')} ".encode() + body]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving(echo) as site:
        yield site


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


# --- slow clients -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [b"", b"POST /v3/mail/send HTT", request("POST", "/", b"x" * 10)[:-5], request("POST", "/", b"x" * 10**6)[:-5]],
    ids=["nothing", "half a head", "half a body", "most of a large body"],
)
def test_half_open_requests_keep_nobody_waiting(site: Site, beginning: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(HALF_OPEN):
            stack.enter_context(site.client()).send(beginning)
        assert site.ask("GET", "/").status == 200


@for_each(
    ("beginning", "deadline"),
    [
        (b"POST /v3/mail/send HTT", "head_seconds"),
        (request("POST", "/", b"x" * 10)[:-5], "body_seconds"),
        (request("GET", "/v3/user/scheduled_sends/1")[:-2], "head_seconds"),
        (request("DELETE", "/v3/user/scheduled_sends/1", b"{}")[:-1], "body_seconds"),
    ],
    ids=["head", "body", "head of a stop", "body of a stop"],
)
def test_a_request_that_arrives_too_slowly_is_cut_off(beginning: bytes, deadline: str) -> None:
    with serving(echo, **{deadline: 0.1}) as site, site.client() as client:
        client.send(beginning)
        assert client.reply().status == 408
        assert client.rest() == b""


@pytest.mark.parametrize(
    ("beginning", "drop", "deadline"),
    [
        (b"GET / HTTP/1.1\r\nA: ", b"x", "head_seconds"),
        (request("POST", "/", b"x" * 9999)[:-9999], b"x", "body_seconds"),
    ],
    ids=["head", "body"],
)
def test_a_trickle_does_not_move_the_deadline(beginning: bytes, drop: bytes, deadline: str) -> None:
    with serving(echo, **{deadline: 0.2}) as site, site.client() as client:
        client.send(beginning)

        def is_answered() -> bool:
            client.send(drop)
            return bool(select.select([client.socket], [], [], 0.01)[0])

        poll_until(is_answered, why="the end of its patience")
        assert client.reply().status == 408


def test_an_idle_connection_is_closed() -> None:
    with serving(echo) as site, site.client() as client:
        assert client.ask("GET", "/").status == 200
        # Not before, since a client on a busy machine may need longer than this for its first request.
        site.change(idle_seconds=0.1)
        assert client.rest() == b""


MUCH = 20 * 2**20
"""More bytes than the kernel buffers for a client that does not read."""


def much(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Answer with many bytes."""
    start_response("200 OK", [("Content-Length", str(MUCH))])
    return [b"x" * MUCH]


def test_slow_readers_keep_no_thread() -> None:
    with serving(much, threads=1) as site, ExitStack() as stack:
        for _ in range(3):
            reader = stack.enter_context(site.client())
            reader.send(request("GET", "/"))
            # The answer has begun and is not read.
            assert reader.socket.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"


def test_a_slow_reader_is_cut_off() -> None:
    # For their size, 20 MiB get 80 s more, so 0.2 s remain.
    with serving(much, body_seconds=-79.8) as site, site.client() as reader:
        reader.send(request("GET", "/"))
        assert reader.socket.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        poll_until(lambda: not site.servers[Kind.ORDINARY].connections, why="the end of its patience")
        assert len(reader.rest()) < MUCH


def test_a_slow_reader_gets_all_in_time(site: Site) -> None:
    body = bytes(range(256)) * 40_000
    with site.client() as client:
        client.send(request("POST", "/", body))
        assert client.reply().body.endswith(body)


def test_a_disconnected_client_frees_its_thread() -> None:
    seen = threading.Event()

    def endless(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/":
            return [b"here"]
        seen.set()
        return iter(lambda: b"x" * 65536, b"")

    with serving(endless, threads=1) as site:
        with site.client() as client:
            client.send(request("GET", "/endless"))
            assert seen.wait(10)
        assert site.ask("GET", "/").text == "here"


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_an_address_has_a_share_of_the_connections() -> None:
    with serving(echo, per_address=3) as site:
        with ExitStack() as stack:
            for _ in range(3):
                assert stack.enter_context(site.client()).ask("GET", "/").status == 200
            with site.client() as client:
                refused = client.reply()
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")

        def is_let_in() -> bool:
            with site.client() as client:
                client.send(request("GET", "/", Connection="close"))
                return client.rest().startswith(b"HTTP/1.1 200")

        # The other clients have disconnected.
        wait_until(is_let_in, why="a place")


def test_the_longest_waiting_connection_makes_room() -> None:
    # A client has its answer a moment before its connection waits again. One thread keeps these moments in order.
    with serving(echo, connections=10, threads=1) as site, ExitStack() as stack:
        clients = [stack.enter_context(site.client()) for _ in range(10)]
        for client in clients:
            assert client.ask("GET", "/").status == 200
        assert site.ask("GET", "/").status == 200
        assert clients[0].rest() == b""
        assert clients[9].ask("GET", "/").status == 200


BUSY = {
    "/wait": ("text/plain; charset=utf-8", "The server is busy: try again."),
    "/v3/mail/send": ("application/json", '"service unavailable"'),
    "/v3/marketing/contacts": ("application/json", '"service unavailable"'),
    "/api/v1/campaigns": ("application/json", "The service is unavailable; try again"),
    "/sluice/v1/batches": ("application/json", '"UNAVAILABLE"'),
    "/Service.asmx": ("text/xml; charset=utf-8", "<faultstring>The server is busy; try again.</faultstring>"),
}


def test_a_request_without_a_free_thread_is_refused_in_its_dialect(gate: Gate) -> None:
    with serving(gate, threads=2, waiting=1) as site, ExitStack() as stack:
        for number in range(3):
            stack.enter_context(site.client()).send(request("GET", f"/wait?{number}"))
        poll_until(lambda: len(gate.entered) == 2, why="both threads to be taken")
        with site.client() as client:
            for path, (kind, text) in BUSY.items():
                reply = client.ask("POST", path, b"{}")
                assert (reply.status, reply.headers["retry-after"]) == (503, "2")
                assert reply.headers["content-type"] == kind
                assert text in reply.text
        gate.open()


def test_nobody_waits_for_a_thread_for_ever(gate: Gate) -> None:
    with serving(gate, threads=1) as site, site.client() as first:
        first.send(request("GET", "/wait"))
        poll_until(lambda: gate.entered, why="the thread to be taken")
        site.change(wait_seconds=0.1)
        assert site.ask("GET", "/").status == 503
        gate.open()
        assert first.reply().status == 200


def test_a_request_that_comes_before_the_threads_have_begun_waits_for_them() -> None:
    done: queue.Queue[str] = queue.Queue()
    lane = Lane("lane", done.put, threads=1, waiting=1)
    assert [lane.put("caller", name) for name in ("first", "second", "third")] == [True, True, False]
    lane.start(first=nothing, last=nothing)
    assert [done.get(timeout=PATIENCE_SECONDS) for _ in range(2)] == ["first", "second"]
    lane.close(until=time.monotonic() + PATIENCE_SECONDS)


def test_callers_take_turns(gate: Gate) -> None:
    with serving(gate, threads=1, waiting=50) as site, ExitStack() as stack:
        clients = [stack.enter_context(site.client()) for _ in range(12)]
        names = ["first", *["many"] * 10, "one"]
        for client, name in zip(clients, names, strict=True):
            client.send(request("GET", f"/wait?{name}", Authorization=f"Bearer {name}"))
            if name == "first":
                poll_until(lambda: gate.entered, why="the thread to be taken")
        poll_until(lambda: site.servers[Kind.ORDINARY].waiting == len(clients) - 1, why="all others to wait")
        gate.open()
        for client in clients:
            client.reply()
    assert "one" in gate.entered[:3]


def test_bodies_have_a_bound_together() -> None:
    with serving(echo, spool_bytes=3 * 10**6) as site, site.client() as first, site.client() as second:
        first.send(request("POST", "/", b"x" * 2 * 10**6)[:-1])
        poll_until(lambda: site.servers[Kind.LARGE].spooled_bytes, why="the body to be announced")
        second.send(request("POST", "/", b"x" * 2 * 10**6)[:-1])
        assert second.reply().status == 503
        first.send(b"x")
        assert first.reply().status == 200
        poll_until(lambda: not site.servers[Kind.LARGE].spooled_bytes, why="the bodies to be forgotten")
        assert site.ask("POST", "/", b"x" * 2 * 10**6).status == 200
        with site.client() as chunked:
            chunked.send(
                b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3d0900\r\n" + b"x" * 3_500_000
            )
            assert chunked.reply().status == 503
        poll_until(lambda: not site.servers[Kind.LARGE].spooled_bytes, why="the room to be given back")


# --- kinds ------------------------------------------------------------------------------------------------------------


def test_stops_are_served_while_all_else_waits(gate: Gate) -> None:
    # With a place to wait, since a client has its answer a moment before the thread is free again.
    with serving(gate, threads=2, waiting=1) as site, ExitStack() as stack:
        for number in range(3):
            stack.enter_context(site.client()).send(request("GET", f"/wait?{number}"))
        poll_until(lambda: len(gate.entered) == 2, why="both threads to be taken")
        poll_until(lambda: site.servers[Kind.ORDINARY].waiting == 1, why="the last request to wait")
        with site.client() as client:
            assert client.ask("GET", "/").status == 503
            assert client.ask("POST", "/v3/user/scheduled_sends", b"{}").text == "stops"
            assert client.ask("GET", "/healthz").text == "stops"
            # The connection goes back to the first process, and to the second one again.
            assert client.ask("GET", "/").status == 503
            assert client.ask("DELETE", "/v3/api_keys/abc").text == "stops"
        gate.open()


def test_a_connection_goes_to_the_process_for_its_requests(site: Site) -> None:
    large = b"x" * (512 * 1024 + 1)
    with site.client() as client:
        for _ in range(2):
            assert client.ask("POST", "/", b"abc").text == "ordinary 3 abc"
            assert client.ask("POST", "/", large).text == f"large {len(large)} {large.decode()}"
            assert client.ask("POST", "/v3/user/scheduled_sends", b"{}").text == "stops 2 {}"


def test_requests_in_one_write_are_answered_in_order_wherever_they_go(site: Site) -> None:
    with site.client() as client:
        client.send(
            request("POST", "/", b"1") + request("POST", "/v3/user/scheduled_sends", b"2") + request("POST", "/", b"3")
        )
        assert [client.reply().text for _ in range(3)] == ["ordinary 1 1", "stops 1 2", "ordinary 1 3"]


def test_a_large_body_cannot_pretend_to_be_a_stop(site: Site) -> None:
    body = b"x" * (64 * 1024 + 1)
    assert site.ask("POST", "/v3/user/scheduled_sends", body).text.startswith("ordinary ")


def test_a_body_that_is_too_long_is_not_read(site: Site) -> None:
    with site.client() as client:
        client.send(request("POST", "/", Expect="100-continue").replace(b"Length: 0", b"Length: %d" % (31 * 2**20)))
        reply = client.reply()
        assert (reply.status, reply.text) == (200, f"large {31 * 2**20} ")
        assert reply.headers["connection"] == "close"


def test_a_client_that_sends_on_can_read_its_refusal(site: Site) -> None:
    with site.client() as client:
        client.send(request("POST", "/").replace(b"Length: 0", b"Length: %d" % (31 * 2**20)) + b"x" * 8 * 2**20)
        assert client.reply().status == 200


def test_chunks_beyond_the_bound_are_not_read(site: Site, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000
    with site.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1000)
        client.send(b"\r\n1\r\nx\r\n")
        assert client.reply().text == "large 1001 "


# --- HTTP -------------------------------------------------------------------------------------------------------------


def test_a_client_that_expects_100_continue_gets_it(site: Site) -> None:
    with site.client() as client:
        client.send(request("POST", "/", b"abc", Expect="100-continue")[:-3])
        assert client.reply().status == 100
        client.send(b"abc")
        assert client.reply().text == "ordinary 3 abc"


def test_a_chunked_body_becomes_whole(site: Site) -> None:
    with site.client() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"
        )
        assert client.reply().text == "large 3 abc"


def test_an_answer_of_unknown_length_is_chunked() -> None:
    def pieces(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return iter([b"ab", b"", b"c"])

    with serving(pieces) as site, site.client() as client:
        assert client.ask("GET", "/").body == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.rest().endswith(b"Connection: close\r\n\r\nabc")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_is_sent_without_one(status: str) -> None:
    def bare(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response(status, [])
        return [b""]

    with serving(bare) as site, site.client() as client:
        for _ in range(2):
            reply = client.ask("GET", "/")
            assert (f"{reply.status} ", reply.headers.get("content-length")) == (status[:4], None)


def test_head_is_answered_without_the_body(site: Site) -> None:
    with site.client() as client:
        reply = client.ask("HEAD", "/")
        assert int(reply.headers["content-length"]) > 0
        assert client.ask("GET", "/").status == 200


def test_a_client_may_end_its_side_of_the_connection(site: Site) -> None:
    with site.client() as client:
        client.send(request("GET", "/"))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.rest().startswith(b"HTTP/1.1 200")


NO_REQUESTS = {
    "no request line": (b"HELLO\r\n\r\n", 400),
    "lower-case method": (b"get / HTTP/1.1\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHello\r\n\r\n", 400),
    "a blank before the colon": (b"POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\nabcde", 400),
    "a bare line feed": (b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
    "a signed length": (b"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde", 400),
    "an unknown coding": (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "a coding that looks chunked": (b"POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "a chunk without its size": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "a chunk that goes on": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk with a long extension": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 3000,
        400,
    ),
    "a long trailer": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"x" * 3000, 400),
    "a length of thousands of digits": (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "a malformed address": (b"GET http://[x HTTP/1.1\r\n\r\n", 400),
    "a long head": (b"GET / HTTP/1.1\r\nA: " + b"x" * 40_000, 431),
}


@pytest.mark.parametrize("name", NO_REQUESTS)
def test_a_malformed_request_is_refused_without_details(site: Site, name: str) -> None:
    data, status = NO_REQUESTS[name]
    with site.client() as client:
        client.send(data)
        reply = client.reply()
        assert (reply.status, reply.headers["connection"]) == (status, "close")
        assert set(reply.headers) == {"date", "connection", "content-type", "content-length"}
        assert len(reply.body) < 40
        assert client.rest() == b""


def test_a_length_beside_chunks_cannot_smuggle_a_request(site: Site) -> None:
    with site.client() as client:
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert client.reply().text == "large 0 "
        assert client.ask("GET", "/").status == 200


def test_an_error_of_the_application_reveals_no_details(caplog: pytest.LogCaptureFixture) -> None:
    def broken(environ: Environ, start_response: Any) -> Iterable[bytes]:
        raise RuntimeError("a secret")

    with serving(broken) as site:
        reply = site.ask("GET", "/")
    assert (reply.status, reply.text) == (500, "Internal Server Error\n")


def test_a_cleanup_that_fails_costs_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    class Chunks:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"here"])

        def close(self) -> None:
            raise RuntimeError("a secret")

    def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "4")])
        return Chunks()

    with serving(application, threads=1) as site, site.client() as client:
        assert [client.ask("GET", "/").text for _ in range(3)] == ["here"] * 3


def test_requests_that_came_before_a_stop_are_answered() -> None:
    with serving(echo, waiting=20) as site, ExitStack() as stack:
        clients = [stack.enter_context(site.client()) for _ in range(20)]
        for client in clients:
            client.send(request("GET", "/"))
        site.servers[Kind.ORDINARY].ask_to_stop()
        assert [client.reply().status for client in clients] == [200] * 20


def test_a_stop_finishes_requests_in_progress(gate: Gate) -> None:
    with ExitStack() as stack, serving(gate) as site:
        waiting, idle, reading = (stack.enter_context(Client(site.port)) for _ in range(3))
        waiting.send(request("GET", "/wait"))
        assert idle.ask("GET", "/").status == 200
        reading.send(request("POST", "/", b"ab")[:-1])
        poll_until(lambda: gate.entered, why="the request to be under way")
        for server in site.servers.values():
            server.ask_to_stop()
        assert idle.rest() == b""
        reading.send(b"b")
        assert reading.reply().headers["connection"] == "close"
        gate.open()
        assert waiting.reply().status == 200
        assert waiting.rest() == b""
