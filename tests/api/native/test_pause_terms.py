"""Test the terms of a pause: how long it lasts, and how long its mail is retained."""

from __future__ import annotations

import datetime as dt
from typing import Any

from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import end_pauses
from foundation.clock import database_now
from mailer.sweep import sweep
from tests.api.conftest import ApiClient
from tests.api.native.bodies import NOT_FOUND, UNKNOWN_FIELD, WRONG_TIMES, counts, invalid, written_time
from tests.conftest import Clock
from tests.examples import further

HOUR = dt.timedelta(hours=1)
LONGEST = 2_592_000


def path_of(batch: Batch, action: str = "pause") -> str:
    return f"/sluice/v1/batches/{batch.public_id}/{action}"


def terms_of(client: ApiClient, batch: Batch) -> tuple[str, str | None, int | None]:
    """Return the terms of a pause, which the batch and the list of batches show alike."""
    data = client.get(f"/sluice/v1/batches/{batch.public_id}").json()["data"]
    (line,) = client.get("/sluice/v1/batches").json()["data"]
    assert line.items() <= data.items()
    return data["status"], data["paused_until"], data["retention_seconds"]


def test_the_terms_of_a_pause_are_returned_and_end_with_it(
    client_of_alice: ApiClient, open_batch: Batch, clock: Clock
) -> None:
    until = database_now() + HOUR
    answer = client_of_alice.post(
        path_of(open_batch), {"until": until.isoformat(), "retention_seconds": LONGEST, "reason": "lunch"}
    )
    assert (answer.status_code, answer.json()["data"]["action"]) == (200, "pause")
    assert answer["X-Sluice-Settled"] == "true"
    assert terms_of(client_of_alice, open_batch) == ("paused", written_time(until), LONGEST)
    clock.advance(hours=2)
    end_pauses()
    assert terms_of(client_of_alice, open_batch) == ("open", None, None)


def test_any_offset_names_the_same_moment(client_of_alice: ApiClient, open_batch: Batch) -> None:
    until = (database_now() + HOUR).replace(microsecond=0)
    for hours in (-12, 0, 14):
        zone = dt.timezone(dt.timedelta(hours=hours))
        client_of_alice.post(path_of(open_batch), {"until": until.astimezone(zone).isoformat()})
        assert Batch.objects.get().paused_until == until


@further
def test_a_paused_batch_is_paused_again_only_with_other_terms(client_of_alice: ApiClient, open_batch: Batch) -> None:
    until = written_time(database_now() + HOUR)
    steps: list[tuple[dict[str, Any], int, tuple[str | None, int | None]]] = [
        ({"retention_seconds": 0}, 200, (None, 0)),
        ({"reason": "again"}, 409, (None, 0)),
        ({"until": until}, 200, (until, None)),
        ({"until": until, "retention_seconds": 5, "dry_run": True}, 200, (until, None)),
        ({"until": until, "retention_seconds": 5}, 200, (until, 5)),
        ({"until": None}, 200, (None, None)),
        ({"retention_seconds": None}, 200, (None, None)),
    ]
    for version, (body, status, (paused_until, retention)) in enumerate(steps):
        answer = client_of_alice.post(path_of(open_batch), body)
        assert answer.status_code == status, (version, answer.content)
        assert terms_of(client_of_alice, open_batch) == ("paused", paused_until, retention)
    assert Receipt.objects.count() == Batch.objects.get().version == 5


@further
def test_retained_mail_expires_as_its_pause_sets(client_of_alice: ApiClient, due_batch: Batch, clock: Clock) -> None:
    send_at = due_batch.parcels.get().send_at
    for seconds in (0, 7200):
        client_of_alice.post(path_of(due_batch), {"retention_seconds": seconds})
        if seconds:
            sweep()
        else:
            # No sweep runs in between, so that a wave that expires at once can be seen.
            due_batch.parcels.update(state=3)
        data = client_of_alice.get(f"/sluice/v1/batches/{due_batch.public_id}").json()["data"]
        expires_at = written_time(send_at + dt.timedelta(seconds=seconds))
        assert (data["expires_at"], data["waves"][0]["expires_at"]) == (expires_at, expires_at)
    clock.advance(hours=3)
    sweep()
    data = client_of_alice.get(f"/sluice/v1/batches/{due_batch.public_id}").json()["data"]
    assert data["counts"] == counts(expired=3)


def test_a_pause_that_is_over_stops_nothing(client_of_alice: ApiClient, open_batch: Batch) -> None:
    for is_dry_run in (True, False):
        for until in ("2020-01-01T00:00:00Z", written_time(database_now())):
            answer = client_of_alice.post(path_of(open_batch), {"until": until, "dry_run": is_dry_run})
            assert (answer.status_code, answer.json()) == (422, invalid(until=["This time has passed."]))
    assert Batch.objects.get().status == BatchStatus.OPEN


def test_invalid_terms_stop_nothing(client_of_alice: ApiClient, open_batch: Batch) -> None:
    for wrong, text in WRONG_TIMES:
        answer = client_of_alice.post(path_of(open_batch), {"until": wrong})
        assert (answer.status_code, answer.json()) == (422, invalid(until=[text])), wrong
    for wrong, text in (
        (-1, "Ensure this value is greater than or equal to 0."),
        (LONGEST + 1, f"Ensure this value is less than or equal to {LONGEST}."),
        (1e300, "A valid integer is required."),
        ("3 d", "A valid integer is required."),
        ([1], "A valid integer is required."),
    ):
        answer = client_of_alice.post(path_of(open_batch), {"retention_seconds": wrong})
        assert (answer.status_code, answer.json()) == (422, invalid(retention_seconds=[text])), wrong
    for action in ("cancel", "resume"):
        answer = client_of_alice.post(path_of(open_batch, action), {"until": None})
        assert answer.json() == invalid(until=[UNKNOWN_FIELD])
    assert Batch.objects.get().version == 0


def test_charlie_changes_no_terms_of_alices(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch
) -> None:
    client_of_alice.post(path_of(open_batch))
    answer = client_of_charlie.post(path_of(open_batch), {"retention_seconds": 0})
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert Batch.objects.get().retention_seconds is None
