"""Idempotency-Key: a POST with a key is executed once, even when it is repeated, lost or raced."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern

from accounts import idempotency
from accounts.idempotency import KeptAnswer, KeyedRequest, Reservation, identify_request, keep_answer, reserve
from accounts.models import Account, ApiKey, IdempotencyKey
from api.native import urls as native
from api.sendgrid import urls as sendgrid
from api.sendgrid.batches import views as scheduled_sends
from batches import hints
from batches.handles import create_batch
from batches.models import Batch, Receipt
from mailer.models import Mail
from mailer.sweep import sweep
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.conftest import Clock
from tests.examples import further
from tests.waiting import someone_waits_for_us, wait_until

SEND, BATCH, SENDS = "/v3/mail/send", "/v3/mail/batch", "/v3/user/scheduled_sends"
NATIVE = "/sluice/v1/batches"
REUSED = "This Idempotency-Key was used for a request with another body."
UNDER_WAY = "A request with this Idempotency-Key is under way; try again."


def post(client: ApiClient, path: str, body: Any = None, key: str = "key-1", **options: Any) -> Any:
    headers = {"Idempotency-Key": key} | options.pop("headers", {})
    return client.post(path, body, headers=headers, **options)


def stop(batch: Batch) -> dict[str, str]:
    return {"batch_id": batch.public_id, "status": "pause"}


def is_replay(answer: Any) -> bool:
    return "Idempotency-Replayed" in answer and answer["Idempotency-Replayed"] == "true"


def request_of(client: ApiClient, path: str, body: Any, key: str = "key-1") -> KeyedRequest:
    return identify_request(key, client.account, method="POST", path=path, body=json.dumps(body).encode())


@pytest.fixture
def batch(alice: Account) -> Batch:
    return create_batch(alice)


# --- repeated requests ------------------------------------------------------------------------------------------------


def test_repeated_mail_is_accepted_once_and_answered_twice(client_of_alice: ApiClient) -> None:
    first, second = post(client_of_alice, SEND, mail_body()), post(client_of_alice, SEND, mail_body())
    assert (first.status_code, is_replay(first)) == (202, False)
    assert (second.status_code, is_replay(second)) == (202, True)
    for name in ("X-Message-Id", "Content-Type", "Content-Length"):
        assert first[name] == second[name]
    assert first.content == second.content == b""
    assert Mail.objects.count() == 1


@pytest.mark.parametrize("path", [BATCH, NATIVE])
def test_repeated_creation_makes_one_batch(path: str, client_of_alice: ApiClient) -> None:
    first, second = post(client_of_alice, path), post(client_of_alice, path)
    assert (second.status_code, second.content) == (201, first.content)
    assert second["Content-Type"] == first["Content-Type"] == "application/json"
    assert is_replay(second)
    assert Batch.objects.count() == 1


@pytest.mark.parametrize("dialect", ["sendgrid", "native"])
def test_repeated_stop_shows_the_receipt_of_the_first(dialect: str, client_of_alice: ApiClient, batch: Batch) -> None:
    path, body, status = {
        "sendgrid": (SENDS, stop(batch), 201),
        "native": (f"{NATIVE}/{batch.public_id}/pause", {}, 200),
    }[dialect]
    first, second = post(client_of_alice, path, body), post(client_of_alice, path, body)
    assert (first.status_code, second.status_code) == (status, status)
    assert second.content == first.content
    for name in ("X-Sluice-Settled", "X-Sluice-Sent", "X-Sluice-Receipt"):
        assert first[name] == second[name]
    assert is_replay(second)
    assert Receipt.objects.count() == 1


def test_every_post_there_is_takes_a_key() -> None:
    """Calls that return a secret are excepted; mail/send is a function, and has separate tests."""
    patterns: list[URLPattern] = [*sendgrid.urlpatterns, *native.urlpatterns]
    classes = {getattr(each.callback, "view_class", None) for each in patterns} - {None}
    posts = {each.__name__: each.post for each in classes if each is not None and hasattr(each, "post")}
    assert len(posts) > 7
    others = {name for name, each in posts.items() if not hasattr(each, "is_repeatable")}
    assert others == {"ApiKeys", "Endpoints", "RotateSecret"}


def test_a_new_api_key_takes_no_idempotency_key(client_of_alice: ApiClient) -> None:
    answer = post(client_of_alice, "/v3/api_keys", {"name": "mine"})
    assert answer.status_code == 400
    assert "shown once" in answer.json()["errors"][0]["message"]
    assert ApiKey.objects.count() == 1
    assert not IdempotencyKey.objects.exists()


# --- the account, the path and the lifetime of a key ------------------------------------------------------------------


def test_key_belongs_to_an_account_and_a_path(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, subuser: Account
) -> None:
    answers = [
        post(client_of_alice, BATCH),
        post(client_of_charlie, BATCH),
        post(client_of_alice, BATCH, headers={"On-Behalf-Of": subuser.username}),
        post(client_of_alice, NATIVE),
        post(client_of_alice, BATCH, key="key-2"),
    ]
    assert not any(map(is_replay, answers))
    assert Batch.objects.count() == 5
    assert is_replay(post(client_of_alice, f"{BATCH}/"))


def test_same_key_with_another_body_is_refused(client_of_alice: ApiClient, batch: Batch) -> None:
    post(client_of_alice, SEND, mail_body())
    answer = post(client_of_alice, SEND, mail_body(subject="Another"))
    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"message": REUSED, "field": None, "help": None}]}
    post(client_of_alice, SENDS, stop(batch))
    answer = post(client_of_alice, SENDS, stop(batch) | {"status": "cancel"})
    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"field": None, "message": REUSED}]}
    path = f"{NATIVE}/{batch.public_id}/cancel"
    post(client_of_alice, path, {"reason": "wrong price"})
    answer = post(client_of_alice, path, {"reason": "wrong date"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert Mail.objects.count() == 1


def test_the_unpacked_body_is_compared(client_of_alice: ApiClient) -> None:
    post(client_of_alice, SEND, mail_body())
    packed = gzip.compress(json.dumps(mail_body()).encode())
    assert is_replay(post(client_of_alice, SEND, packed, headers={"Content-Encoding": "gzip"}))


def test_bad_key_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for key in ["", "x" * 256, "two words", "ü", "a\tb", "\x7f"]:
        with subtests.test(key=key):
            answer = post(client_of_alice, SEND, mail_body(), key=key)
            assert (answer.status_code, list(answer.json())) == (400, ["errors"])
            assert post(client_of_alice, BATCH, key=key).status_code == 400
            answer = post(client_of_alice, NATIVE, key=key)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")
            assert not Mail.objects.exists()
            assert not Batch.objects.exists()


def test_the_longest_key_is_taken(client_of_alice: ApiClient) -> None:
    assert post(client_of_alice, BATCH, key="~" * 255).status_code == 201


def test_a_key_lives_for_a_day(client_of_alice: ApiClient, clock: Clock) -> None:
    first = post(client_of_alice, SEND, mail_body())
    clock.advance(hours=23.9)
    assert is_replay(post(client_of_alice, SEND, mail_body()))
    clock.advance(hours=0.2)
    again = post(client_of_alice, SEND, mail_body(subject="Another"))
    assert (again.status_code, is_replay(again)) == (202, False)
    assert again["X-Message-Id"] != first["X-Message-Id"]
    assert is_replay(post(client_of_alice, SEND, mail_body(subject="Another")))


@further
def test_old_keys_are_swept(client_of_alice: ApiClient, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "PAGE", 2)
    for n in range(5):
        post(client_of_alice, BATCH, key=f"old-{n}")
    clock.advance(hours=24.1)
    post(client_of_alice, BATCH, key="young")
    assert sweep()["forget_keys"] == 5
    assert IdempotencyKey.objects.count() == 1


# --- answers that are not stored --------------------------------------------------------------------------------------


def test_a_refusal_leaves_the_key_free(client_of_alice: ApiClient, batch: Batch) -> None:
    assert post(client_of_alice, SEND, {}).status_code == 400
    assert post(client_of_alice, SEND, b"\xff").status_code == 415
    assert post(client_of_alice, SEND, mail_body(batch_id="unknown")).status_code == 400
    assert post(client_of_alice, SENDS, stop(batch) | {"status": "?"}).status_code == 400
    assert post(client_of_alice, NATIVE, {"misspelt": 1}).status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert post(client_of_alice, SEND, mail_body()).status_code == 202
    assert post(client_of_alice, SENDS, stop(batch)).status_code == 201
    assert post(client_of_alice, NATIVE).status_code == 201


def test_a_crash_before_the_commit_leaves_neither_mail_nor_key(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crash is in the last line before the commit; all earlier lines are in the same transaction."""
    with monkeypatch.context() as patch:
        patch.setattr("api.idempotency.keep_answer", fail)
        client_of_alice.http.raise_request_exception = False
        assert post(client_of_alice, SEND, mail_body()).status_code == 500
    assert not Mail.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert post(client_of_alice, SEND, mail_body()).status_code == 202


def test_hints_go_out_after_the_commit_that_has_the_answer(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def note(*args: Any, **options: Any) -> bool:
        seen.append((connection.in_atomic_block, IdempotencyKey.objects.get().status))
        return True

    monkeypatch.setattr(hints, "tokens_waiting", lambda _: 0)
    monkeypatch.setattr(hints, "publish", note)
    post(client_of_alice, SEND, mail_body())
    assert seen == [(False, 202)]
    post(client_of_alice, SEND, mail_body())
    assert len(seen) == 1


def fail(*args: Any, **options: Any) -> Any:
    raise RuntimeError("a test's crash")


# --- two at the same moment -------------------------------------------------------------------------------------------


@contextmanager
def in_a_thread(work: Any) -> Iterator[list[Any]]:
    """Run `work` in a thread with another connection; yield a list that gets the result when the block ends."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield results
    finally:
        thread.join(20)
    assert not thread.is_alive()


def test_two_requests_at_one_moment_are_executed_once_with_one_answer(client_of_alice: ApiClient) -> None:
    with ExitStack() as second, transaction.atomic():
        first = reserve(request_of(client_of_alice, SEND, mail_body()))
        assert isinstance(first, Reservation)
        answers = second.enter_context(in_a_thread(lambda: post(client_of_alice, SEND, mail_body())))
        wait_until(someone_waits_for_us, why="the second request")
        keep_answer(first, KeptAnswer(202, {"X-Message-Id": "first"}))
    assert (answers[0].status_code, answers[0]["X-Message-Id"], is_replay(answers[0])) == (202, "first", True)
    assert not Mail.objects.exists()


def test_the_second_is_done_when_the_first_is_not(client_of_alice: ApiClient) -> None:
    with ExitStack() as second, suppress(RuntimeError), transaction.atomic():
        reserve(request_of(client_of_alice, SEND, mail_body()))
        answers = second.enter_context(in_a_thread(lambda: post(client_of_alice, SEND, mail_body())))
        wait_until(someone_waits_for_us, why="the second request")
        fail()
    assert (answers[0].status_code, is_replay(answers[0])) == (202, False)
    assert Mail.objects.count() == 1


def test_nobody_waits_for_ever(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.05)
    with transaction.atomic():
        reserve(request_of(client_of_alice, SEND, mail_body()))
        with in_a_thread(lambda: post(client_of_alice, SEND, mail_body())) as answers:
            pass
    assert answers[0].status_code == 409
    assert answers[0].json()["errors"][0]["message"] == UNDER_WAY


def test_a_stop_under_way_is_a_conflict_until_it_ends_or_is_stale(
    client_of_alice: ApiClient, batch: Batch, clock: Clock
) -> None:
    native = f"{NATIVE}/{batch.public_id}/pause"
    for path, body in ((SENDS, stop(batch)), (native, {})):
        reserve(request_of(client_of_alice, path, body))
    answer = post(client_of_alice, SENDS, stop(batch))
    assert (answer.status_code, answer.json()) == (409, {"errors": [{"field": None, "message": UNDER_WAY}]})
    answer = post(client_of_alice, native, {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
    clock.advance(seconds=idempotency.STALE_SECONDS + 1)
    assert post(client_of_alice, SENDS, stop(batch)).status_code == 201


def test_a_stop_is_not_done_inside_a_transaction(
    client_of_alice: ApiClient, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reservation and the batch's status must be committed before the stop waits.

    Without a committed reservation, the same stop could run twice at once.
    """
    seen = []
    real = scheduled_sends.stop_batch

    def stop_and_note(*args: Any, **options: Any) -> Receipt:
        seen.append((connection.in_atomic_block, IdempotencyKey.objects.get().status))
        return real(*args, **options)

    monkeypatch.setattr(scheduled_sends, "stop_batch", stop_and_note)
    assert post(client_of_alice, SENDS, stop(batch)).status_code == 201
    assert seen == [(False, None)]


def test_a_stale_reservation_stores_no_answer(client_of_alice: ApiClient, clock: Clock) -> None:
    request = request_of(client_of_alice, SENDS, {})
    slow = reserve(request)
    clock.advance(seconds=idempotency.STALE_SECONDS + 1)
    fast = reserve(request)
    assert isinstance(slow, Reservation)
    assert isinstance(fast, Reservation)
    idempotency.free_key(slow)
    keep_answer(slow, KeptAnswer(201, body="slow"))
    keep_answer(fast, KeptAnswer(201, body="fast"))
    assert reserve(request) == KeptAnswer(201, body="fast")


def test_strangers_learn_nothing_from_a_key(client_of_alice: ApiClient) -> None:
    post(client_of_alice, SEND, mail_body())
    answer = Client().post(SEND, mail_body(), content_type="application/json", headers={"Idempotency-Key": "key-1"})
    assert (answer.status_code, is_replay(answer)) == (401, False)
