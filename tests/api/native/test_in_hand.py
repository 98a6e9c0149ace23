"""Mail that waits for a person, held or in doubt, is read, replayed and dropped."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from accounts.models import Account
from batches.counts import count_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus
from foundation.clock import database_now
from tests.api.conftest import ApiClient
from tests.api.native.bodies import NOT_FOUND, UNKNOWN_FIELD, counts, invalid, walk
from tests.examples import few_by_default, further

MESSAGES = "/sluice/v1/messages"
ASK_PER_BATCH = ["Must be held or in_doubt. Messages in other states are listed by batch: batches/…/messages?state=…"]
ONE_SELECTOR = ["Give exactly one of batch_id, message_ids and all: true."]
NO_LIST = ["Must be a list of 1 to 1000 ids."]
NO_IDS = ["Must be a list of message ids, each one a string of digits."]
NO_PATTERN = ["This value does not match the required pattern."]
EVERYTHING = {"all": True}


def ids_of(batch: Batch) -> list[str]:
    first = batch.parcels.order_by("pk")[0].pk * 512
    return [str(first + n) for n in range(3)]


def listed(client: ApiClient, state: str, **query: Any) -> list[str]:
    rows = walk(client, MESSAGES, state=state, **query)
    assert {row["state"] for row in rows} <= {state}
    return [row["id"] for row in rows]


def test_mail_in_hand_is_listed_in_pages(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, held_batch: Batch, doubtful_batch: Batch
) -> None:
    held_ids, doubtful_ids = ids_of(held_batch), ids_of(doubtful_batch)[1:]
    for limit in (1, 2, 3, 500):
        assert listed(client_of_alice, "held", limit=limit) == held_ids
        assert listed(client_of_alice, "in_doubt", limit=limit) == doubtful_ids
    page = client_of_alice.get(f"{MESSAGES}?state=in_doubt&limit=1").json()
    parcel = Parcel.objects.get(batch=doubtful_batch)
    assert page["pagination"] == {"limit": 1, "next": f"{parcel.pk}.1"}
    assert page["data"] == [client_of_alice.get(f"{MESSAGES}/{doubtful_ids[0]}").json()["data"]]
    for batch, expected in ((held_batch, held_ids), (doubtful_batch, [])):
        assert listed(client_of_alice, "held", batch_id=batch.public_id) == expected
        assert client_of_charlie.get(f"{MESSAGES}?state=held&batch_id={batch.public_id}").json() == NOT_FOUND
    assert listed(client_of_charlie, "held") == []
    assert client_of_charlie.get(f"{MESSAGES}?state=held&after={held_batch.parcels.get().pk}.0").json()["data"] == []


def test_held_mail_is_counted_and_is_a_state_of_its_batch(client_of_alice: ApiClient, held_batch: Batch) -> None:
    path = f"/sluice/v1/batches/{held_batch.public_id}"
    data = client_of_alice.get(path).json()["data"]
    assert (data["counts"], data["waves"][0]["counts"]) == (counts(held=3), counts(held=3))
    assert [row["id"] for row in walk(client_of_alice, f"{path}/messages", state="held")] == ids_of(held_batch)


@further
def test_a_query_that_makes_no_sense_is_refused(client_of_alice: ApiClient, held_batch: Batch) -> None:
    cases: list[tuple[str, dict[str, list[str]]]] = [
        ("", {"state": ASK_PER_BATCH}),
        *((f"state={state}", {"state": ASK_PER_BATCH}) for state in ("sent", "", "HELD", "%00", "held,in_doubt")),
        (f"batch_id={held_batch.public_id}&state=due", {"state": ASK_PER_BATCH}),
        *((f"state=held&after={after}", {"after": NO_PATTERN}) for after in ("1", "1.", ".1", "-1.0", "1.1000", "a.b")),
        *((f"state=held&after={after}", {"after": NO_PATTERN}) for after in ("9" * 19 + ".0", "1.0%0A1", "%D9%A1.0")),
        ("state=held&after=", {"after": ["This field may not be blank."]}),
        ("state=held&limit=501", {"limit": ["Ensure this value is less than or equal to 500."]}),
        ("state=held&batch_id=.", {"batch_id": NO_PATTERN}),
        ("state=held&status=open", {"status": [UNKNOWN_FIELD]}),
    ]
    for query, details in cases:
        answer = client_of_alice.get(f"{MESSAGES}?{query}")
        assert (answer.status_code, answer.json()) == (422, invalid(**details)), query
    for after in ("0.0", "999999999999999999.999"):
        assert client_of_alice.get(f"{MESSAGES}?state=held&after={after}").status_code == 200
    unknown = client_of_alice.get(f"{MESSAGES}?state=held&batch_id=unknown")
    assert (unknown.status_code, unknown.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("action", few_by_default(["replay", "drop"], "replay"))
def test_a_selection_is_carried_out_and_receipted(
    action: str, client_of_alice: ApiClient, held_batch: Batch, doubtful_batch: Batch
) -> None:
    ids, doubtful = ids_of(held_batch), ids_of(doubtful_batch)
    steps: list[tuple[str, dict[str, Any], str | None, int]] = [
        # Messages that are not held, or are named twice, add nothing.
        ("held", {"message_ids": [ids[1], ids[1], doubtful[1], "0", "9" * 18]}, None, 1),
        ("held", {"batch_id": doubtful_batch.public_id, "all": False}, doubtful_batch.public_id, 0),
        ("held", {"batch_id": held_batch.public_id}, held_batch.public_id, 2),
        ("in_doubt", {"message_ids": doubtful[:2]}, None, 1),
        ("in_doubt", EVERYTHING, None, 1),
        ("in_doubt", EVERYTHING, None, 0),
    ]
    for state, selector, batch_id, affected in steps:
        answer = client_of_alice.post(f"{MESSAGES}/{action}", {"state": state, "reason": "looked at"} | selector)
        data = answer.json()["data"]
        assert (answer.status_code, answer["X-Sluice-Receipt"]) == (200, data["id"])
        assert (answer["X-Sluice-Settled"], data["settled"]) == ("true", True)
        assert (data["action"], data["batch_id"], data["affected"]) == (action, batch_id, affected)
        assert (data["reason"], data["message_id"]) == ("looked at", None)
    assert listed(client_of_alice, "held") == listed(client_of_alice, "in_doubt") == []
    of_held, of_doubtful = count_batch(held_batch.pk), count_batch(doubtful_batch.pk)
    if action == "replay":
        assert (of_held.due, of_doubtful.due, of_doubtful.sent) == (3, 2, 1)
    else:
        assert (of_held.dropped, of_doubtful.dropped, of_doubtful.sent) == (3, 2, 1)


def test_mail_without_a_batch_is_in_hand_too(client_of_alice: ApiClient, held_batch: Batch) -> None:
    # Make the mail look as if it had been sent without a batch.
    Batch.objects.filter(pk=held_batch.pk).update(is_default=True)
    (row, *_) = walk(client_of_alice, MESSAGES, state="held")
    assert row["batch_id"] is None
    for method, path, body in (
        ("GET", f"{MESSAGES}?state=held&batch_id={held_batch.public_id}", None),
        ("POST", f"{MESSAGES}/drop", {"state": "held", "batch_id": held_batch.public_id}),
    ):
        answer = client_of_alice.ask(method, path, body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    answer = client_of_alice.post(f"{MESSAGES}/replay", {"state": "held", "message_ids": [row["id"]]})
    assert (answer.json()["data"]["batch_id"], answer.json()["data"]["affected"]) == (None, 1)


def test_exactly_one_selector_is_allowed(client_of_alice: ApiClient, held_batch: Batch) -> None:
    each = {"batch_id": held_batch.public_id, "message_ids": ids_of(held_batch), "all": True}
    none: list[dict[str, Any]] = [{}, {"all": False}]
    several = [
        {name: each[name] for name in names}
        for names in (("batch_id", "all"), ("message_ids", "all"), ("batch_id", "message_ids"), tuple(each))
    ]
    for action, selectors in product(("replay", "drop"), none + several):
        answer = client_of_alice.post(f"{MESSAGES}/{action}", {"state": "held"} | selectors)
        blamed = selectors if selectors in several else each
        assert (answer.status_code, answer.json()) == (422, invalid(**dict.fromkeys(blamed, ONE_SELECTOR)))
    assert count_batch(held_batch.pk).held == 3
    assert not Receipt.objects.exists()


def test_an_invalid_selection_changes_nothing(client_of_alice: ApiClient, held_batch: Batch, step: int) -> None:
    held_id = ids_of(held_batch)[0]
    cases: list[tuple[str, dict[str, Any], dict[str, list[str]]]] = [
        ("", {"state": "sent"}, {"state": ['"sent" is not a valid choice.']}),
        ("", {"state": None}, {"state": ["This field may not be null."]}),
        ("", {"all": None}, {"all": ["This field may not be null."]}),
        ("", {"all": 2}, {"all": ["Must be a valid boolean."]}),
        ("", {"everything": True}, {"everything": [UNKNOWN_FIELD]}),
        ("", {"reason": "x" * 501}, {"reason": ["Ensure this field has no more than 500 characters."]}),
        ("?dry_run=true", {}, {"dry_run": [UNKNOWN_FIELD]}),
        *(
            ("", {"message_ids": wrong}, {"message_ids": NO_LIST})
            for wrong in ([], held_id, {held_id: 1}, 1, ["1"] * 1001)
        ),
        *(
            ("", {"message_ids": [held_id, wrong]}, {"message_ids": NO_IDS})
            for wrong in (int(held_id), "", "x", "-1", "1.0", "9" * 19, "\u0661", None, True, [held_id], f"{held_id}\n")
        ),
        *(("", {"batch_id": wrong}, {"batch_id": NO_PATTERN}) for wrong in ("a b", "x" * 65, "../x")),
    ]
    for action, (query, body, details) in product(("replay", "drop"), cases[::step]):
        answer = client_of_alice.post(f"{MESSAGES}/{action}{query}", {"state": "held", "all": True} | body)
        assert (answer.status_code, answer.json()) == (422, invalid(**details)), body
    assert client_of_alice.post(f"{MESSAGES}/drop", EVERYTHING).json() == invalid(state=["This field is required."])
    assert count_batch(held_batch.pk).held == 3
    assert not Receipt.objects.exists()


def test_a_thousand_ids_are_taken_at_a_time(client_of_alice: ApiClient, held_batch: Batch) -> None:
    named = [*ids_of(held_batch), *(str(n) for n in range(997))]
    answer = client_of_alice.post(f"{MESSAGES}/replay", {"state": "held", "message_ids": named})
    assert answer.json()["data"]["affected"] == 3


def test_charlie_cannot_see_or_replay_alices_mail_in_hand(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, held_batch: Batch, subuser: Account
) -> None:
    named = {"state": "held", "message_ids": ids_of(held_batch)}
    for action in ("replay", "drop"):
        for body in (named, {"state": "held", "all": True}):
            for answer in (
                client_of_charlie.post(f"{MESSAGES}/{action}", body),
                client_of_alice.post(f"{MESSAGES}/{action}", body, headers={"On-Behalf-Of": "alice-shop"}),
            ):
                assert (answer.status_code, answer.json()["data"]["affected"]) == (200, 0)
        answer = client_of_charlie.post(f"{MESSAGES}/{action}", {"state": "held", "batch_id": held_batch.public_id})
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert count_batch(held_batch.pk).held == 3


def test_cancelled_mail_is_not_replayed(client_of_alice: ApiClient, held_batch: Batch) -> None:
    Batch.objects.update(status=BatchStatus.CANCELLED, stopped_at=database_now())
    answer = client_of_alice.post(f"{MESSAGES}/replay", {"state": "held", "all": True})
    assert (answer.status_code, answer.json()["data"]["affected"]) == (200, 0)
    assert count_batch(held_batch.pk).held == 3
