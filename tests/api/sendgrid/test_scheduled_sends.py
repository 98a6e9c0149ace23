"""Test the path /v3/user/scheduled_sends: pause, cancel and undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Account
from batches.handles import create_batch, default_batch
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from foundation.clock import database_now
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.bodies import mail_body

SENDS = "/v3/user/scheduled_sends"
CONFLICT = "a status for this batch id exists, try PATCH to update the status"
NOT_FOUND = b'{"errors":[{"field":null,"message":"batch id not found"}]}'


def problems(*pairs: tuple[str | None, str]) -> dict[str, Any]:
    return {"errors": [{"field": field, "message": message} for field, message in pairs]}


def pause(client: ApiClient, batch: Batch) -> Any:
    return client.post(SENDS, {"batch_id": batch.public_id, "status": "pause"})


@pytest.fixture
def open_batch(client_of_alice: ApiClient) -> Batch:
    """Create an open batch of Alice."""
    return create_batch(client_of_alice.account)


@pytest.fixture
def paused_batch(client_of_alice: ApiClient, open_batch: Batch) -> Batch:
    """Create a paused batch of Alice."""
    stop_batch(
        client_of_alice.account,
        open_batch.public_id,
        BatchStatus.PAUSED,
        actor="a test",
        allowed_from=[BatchStatus.OPEN],
    )
    return open_batch


def status_of(batch: Batch) -> int:
    return Batch.objects.get(pk=batch.pk).status


def assert_carries_receipt(answer: Any, action: str, client: ApiClient) -> None:
    receipt = Receipt.objects.latest("pk")
    assert answer["X-Sluice-Receipt"] == receipt.public_id
    assert answer["X-Sluice-Settled"] == "true"
    assert answer["X-Sluice-Sent"] == str(receipt.sent)
    assert (receipt.action, receipt.account) == (action, client.account)
    assert client.key.key_id in receipt.actor


@pytest.mark.parametrize(("word", "status"), [("pause", BatchStatus.PAUSED), ("cancel", BatchStatus.CANCELLED)])
def test_batch_is_stopped(word: str, status: BatchStatus, client_of_alice: ApiClient, open_batch: Batch) -> None:
    answer = client_of_alice.post(SENDS, {"batch_id": open_batch.public_id, "status": word})
    assert answer.status_code == 201
    assert answer.json() == {"batch_id": open_batch.public_id, "status": word}
    assert status_of(open_batch) == status
    assert_carries_receipt(answer, word, client_of_alice)


def test_an_unsettled_stop_is_reported(
    client_of_alice: ApiClient, open_batch: Batch, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("batches.stop.exact.settle_if_idle", lambda receipt: False)
    settings.STOP_WAIT_SECONDS = 0
    answer = pause(client_of_alice, open_batch)
    assert answer.status_code == 201
    assert answer["X-Sluice-Settled"] == "false"


def test_lists_show_stopped_batches_only(client_of_alice: ApiClient) -> None:
    assert client_of_alice.get(SENDS).content == b"[]"
    first, second, _ = (create_batch(client_of_alice.account) for _ in range(3))
    client_of_alice.post(SENDS, {"batch_id": second.public_id, "status": "cancel"})
    pause(client_of_alice, first)
    answer = client_of_alice.get(SENDS)
    assert answer.status_code == 200
    assert answer.json() == [
        {"batch_id": second.public_id, "status": "cancel"},
        {"batch_id": first.public_id, "status": "pause"},
    ]


def test_a_list_for_one_id_has_at_most_one_batch(client_of_alice: ApiClient, paused_batch: Batch) -> None:
    unstopped = create_batch(client_of_alice.account)
    shown = client_of_alice.get(f"{SENDS}/{paused_batch.public_id}")
    assert (shown.status_code, shown.json()) == (200, [{"batch_id": paused_batch.public_id, "status": "pause"}])
    for batch_id in (unstopped.public_id, "unknown", "%ff"):
        assert client_of_alice.get(f"{SENDS}/{batch_id}").content == b"[]"


def test_patch_changes_the_status_both_ways(client_of_alice: ApiClient, paused_batch: Batch) -> None:
    path = f"{SENDS}/{paused_batch.public_id}"
    for word, status in (
        ("cancel", BatchStatus.CANCELLED),
        ("pause", BatchStatus.PAUSED),
        ("pause", BatchStatus.PAUSED),
    ):
        answer = client_of_alice.patch(path, {"status": word})
        assert (answer.status_code, answer.content) == (204, b"")
        assert status_of(paused_batch) == status
        assert_carries_receipt(answer, word, client_of_alice)


def test_delete_resumes(client_of_alice: ApiClient, paused_batch: Batch) -> None:
    answer = client_of_alice.delete(f"{SENDS}/{paused_batch.public_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert status_of(paused_batch) == BatchStatus.OPEN
    assert_carries_receipt(answer, "resume", client_of_alice)
    assert client_of_alice.delete(f"{SENDS}/{paused_batch.public_id}").content == NOT_FOUND


def test_patch_and_delete_need_an_entry(client_of_alice: ApiClient, open_batch: Batch) -> None:
    for batch_id in (open_batch.public_id, "unknown", "x" * 200, "%00", "%ff"):
        for answer in (
            client_of_alice.patch(f"{SENDS}/{batch_id}", {"status": "pause"}),
            client_of_alice.delete(f"{SENDS}/{batch_id}"),
        ):
            assert answer.status_code == 404
            if batch_id != "%00":
                assert answer.content == NOT_FOUND
    assert status_of(open_batch) == BatchStatus.OPEN
    assert not Receipt.objects.exists()


def test_second_post_is_refused(client_of_alice: ApiClient, paused_batch: Batch, subtests: pytest.Subtests) -> None:
    for word in ["pause", "cancel"]:
        with subtests.test(word=word):
            answer = client_of_alice.post(SENDS, {"batch_id": paused_batch.public_id, "status": word})
            assert (answer.status_code, answer.json()) == (400, problems(("batch_id", CONFLICT)))
            assert status_of(paused_batch) == BatchStatus.PAUSED


def test_invalid_batch_id_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for batch_id in [None, "", "unknown", 5, ["x"], {}, True, "ü" * 300, "a\nb"]:
        with subtests.test(batch_id=batch_id):
            answer = client_of_alice.post(SENDS, {"batch_id": batch_id, "status": "pause"})
            assert (answer.status_code, answer.json()) == (400, problems(("batch_id", "invalid batch id")))


def test_invalid_status_is_refused(client_of_alice: ApiClient, paused_batch: Batch, subtests: pytest.Subtests) -> None:
    opened = create_batch(client_of_alice.account)
    for status in [None, "", "resume", "paused", "PAUSE", 1, True, ["pause"], {"pause": 1}]:
        with subtests.test(status=status):
            posted = client_of_alice.post(SENDS, {"batch_id": opened.public_id, "status": status})
            patched = client_of_alice.patch(f"{SENDS}/{paused_batch.public_id}", {"status": status})
            for answer in (posted, patched):
                assert (answer.status_code, answer.json()) == (400, problems(("status", "invalid status")))
            assert (status_of(opened), status_of(paused_batch)) == (BatchStatus.OPEN, BatchStatus.PAUSED)


def test_both_fields_are_named_when_both_are_wrong(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SENDS, {})
    assert answer.json() == problems(("batch_id", "invalid batch id"), ("status", "invalid status"))


def test_body_that_is_no_json_object_is_refused(
    client_of_alice: ApiClient, paused_batch: Batch, subtests: pytest.Subtests
) -> None:
    for body in [b"", b"{", b"[]", b'"x"', b"null", b'{"batch_id":"a\\u0000","status":"pause"}']:
        with subtests.test(body=body):
            for answer in (
                client_of_alice.post(SENDS, body),
                client_of_alice.patch(f"{SENDS}/{paused_batch.public_id}", body),
            ):
                assert (answer.status_code, answer.json()) == (400, problems((None, "request body is invalid JSON")))


def test_other_content_type_and_bad_utf8_are_415(client_of_alice: ApiClient, open_batch: Batch) -> None:
    body = {"batch_id": open_batch.public_id, "status": "pause"}
    answer = client_of_alice.post(SENDS, body, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()) == (415, problems((None, "Content-Type should be application/json.")))
    answer = client_of_alice.post(SENDS, b'{"batch_id":"\xff"}')
    assert (answer.status_code, answer.json()) == (415, problems((None, "Invalid UTF8 in request")))
    assert status_of(open_batch) == BatchStatus.OPEN


def test_oversize_body_is_413(client_of_alice: ApiClient, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 10
    answer = client_of_alice.post(SENDS, {"batch_id": "x", "status": "pause"})
    assert (answer.status_code, answer.json()) == (413, problems((None, "content too large")))


def test_places_are_limited_and_freed_by_delete(client_of_alice: ApiClient, settings: Any) -> None:
    settings.STOPPED_BATCHES_LIMIT = 2
    first, second, third = (create_batch(client_of_alice.account) for _ in range(3))
    assert [pause(client_of_alice, batch).status_code for batch in (first, second)] == [201, 201]
    answer = pause(client_of_alice, third)
    assert (answer.status_code, answer.json()) == (400, problems((None, "max limit reached")))
    assert status_of(third) == BatchStatus.OPEN
    assert client_of_alice.patch(f"{SENDS}/{first.public_id}", {"status": "cancel"}).status_code == 204
    client_of_alice.delete(f"{SENDS}/{first.public_id}")
    assert pause(client_of_alice, third).status_code == 201


def test_places_of_another_account_do_not_count(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, paused_batch: Batch, settings: Any
) -> None:
    settings.STOPPED_BATCHES_LIMIT = 1
    assert pause(client_of_charlie, create_batch(client_of_charlie.account)).status_code == 201


@pytest.fixture
def schedule(client_of_alice: ApiClient) -> Callable[[Batch, int], None]:
    """Return a function that schedules a mail of a batch a number of seconds ahead."""

    def send(batch: Batch, seconds: int) -> None:
        send_at = int(database_now().timestamp()) + seconds
        answer = client_of_alice.post("/v3/mail/send", mail_body(batch_id=batch.public_id, send_at=send_at))
        assert answer.status_code == 202

    return send


def test_stop_within_the_cut_off_is_too_late(
    client_of_alice: ApiClient, open_batch: Batch, schedule: Callable[[Batch, int], None], settings: Any
) -> None:
    settings.STOP_CUTOFF_SECONDS = 600
    schedule(open_batch, 300)
    answer = pause(client_of_alice, open_batch)
    assert answer.status_code == 400
    assert answer.json() == problems(("batch_id", "too late to pause or cancel: the batch is about to be sent"))
    assert status_of(open_batch) == BatchStatus.OPEN
    settings.STOP_CUTOFF_SECONDS = 0
    assert pause(client_of_alice, open_batch).status_code == 201


def test_cut_off_never_hinders_an_early_stop_a_change_or_a_resume(
    client_of_alice: ApiClient, open_batch: Batch, schedule: Callable[[Batch, int], None], settings: Any
) -> None:
    settings.STOP_CUTOFF_SECONDS = 600
    schedule(open_batch, 900)
    assert pause(client_of_alice, open_batch).status_code == 201
    schedule(open_batch, 30)
    path = f"{SENDS}/{open_batch.public_id}"
    assert client_of_alice.patch(path, {"status": "cancel"}).status_code == 204
    assert client_of_alice.delete(path).status_code == 204


def test_charlie_neither_sees_nor_stops_nor_resumes_alices_mail(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, paused_batch: Batch
) -> None:
    opened = create_batch(client_of_alice.account)
    assert client_of_charlie.get(SENDS).json() == []
    assert client_of_charlie.get(f"{SENDS}/{paused_batch.public_id}").json() == []
    assert pause(client_of_charlie, opened).json() == problems(("batch_id", "invalid batch id"))
    assert pause(client_of_charlie, paused_batch).json() == problems(("batch_id", "invalid batch id"))
    path = f"{SENDS}/{paused_batch.public_id}"
    assert client_of_charlie.patch(path, {"status": "cancel"}).content == NOT_FOUND
    assert client_of_charlie.delete(path).content == NOT_FOUND
    assert (status_of(opened), status_of(paused_batch)) == (BatchStatus.OPEN, BatchStatus.PAUSED)


def test_hidden_default_batch_cannot_be_stopped(client_of_alice: ApiClient) -> None:
    hidden = default_batch(client_of_alice.account)
    assert pause(client_of_alice, hidden).json() == problems(("batch_id", "invalid batch id"))
    assert status_of(hidden) == BatchStatus.OPEN


def test_on_behalf_of_stops_the_subusers_batch(client_of_alice: ApiClient, subuser: Account) -> None:
    batch = create_batch(subuser)
    assert pause(client_of_alice, batch).status_code == 400
    body = {"batch_id": batch.public_id, "status": "pause"}
    for_subuser = {"On-Behalf-Of": f"account-id {subuser.pk}"}
    assert client_of_alice.post(SENDS, body, headers=for_subuser).status_code == 201
    assert client_of_alice.get(SENDS, headers={"On-Behalf-Of": subuser.username}).json() == [body]
    assert client_of_alice.get(SENDS).json() == []
    path = f"{SENDS}/{batch.public_id}"
    assert client_of_alice.patch(path, {"status": "cancel"}, headers=for_subuser).status_code == 204
    assert client_of_alice.delete(path, headers=for_subuser).status_code == 204


def test_each_call_needs_its_scope(alice: Account, new_client: NewClient, subtests: pytest.Subtests) -> None:
    for scope, method, has_id, status in [
        ("create", "POST", False, 400),
        ("read", "GET", False, 200),
        ("read", "GET", True, 200),
        ("update", "PATCH", True, 404),
        ("delete", "DELETE", True, 404),
    ]:
        with subtests.test(scope=scope, method=method, has_id=has_id, status=status):
            own = f"user.scheduled_sends.{scope}"
            others = [
                f"user.scheduled_sends.{each}" for each in ("create", "read", "update", "delete") if each != scope
            ]
            path = f"{SENDS}/x" if has_id else SENDS
            refused = new_client(alice, others).ask(method, path, {"status": "pause"})
            assert refused.status_code == 403
            assert refused.json() == problems((None, "access forbidden"))
            assert new_client(alice, [own]).ask(method, path, {"status": "pause"}).status_code == status


def test_revoked_key_stops_nothing(client_of_alice: ApiClient, open_batch: Batch) -> None:
    assert client_of_alice.get(SENDS).status_code == 200
    client_of_alice.delete(f"/v3/api_keys/{client_of_alice.key.key_id}")
    answer = pause(client_of_alice, open_batch)
    assert (answer.status_code, answer.json()) == (401, problems((None, "authorization required")))
    assert status_of(open_batch) == BatchStatus.OPEN
