"""Print the product's files that run between a request and its result, for three ways through the system.

Run it with `./sluice test tests/api/files_on_the_way.py -n 0 -s`. A file is listed if one of its functions is called by
the view, by the worker's deliverer, or by a job. Code that runs only when a module is imported does not count.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from audience.jobs.run import run_next_job
from batches.models import Parcel
from batches.tasks import fire_wave
from foundation.clock import database_now
from mailer.pipeline.deliver import Deliverer
from stack import ROOT
from tests.api.campaign_apis import Easymail
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.api.sendgrid.contact_calls import EMAIL, FILE, FIRST_NAME, IMPORTS, begin, upload
from tests.conftest import Clock
from tests.peer import CountingPeer

PRODUCT = (
    "config",
    "api",
    "console",
    "monitoring",
    "events",
    "campaigns",
    "audience",
    "mailer",
    "batches",
    "accounts",
    "foundation",
)
MAPPINGS = [EMAIL, FIRST_NAME, None, None]


@contextmanager
def recorded(way: str) -> Iterator[None]:
    """Print the files whose functions are called, also by threads that start meanwhile."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            files.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    paths = sorted(str(Path(file).relative_to(ROOT)) for file in files if file.startswith(f"{ROOT}/"))
    touched = [path for path in paths if path.partition("/")[0] in PRODUCT]
    print("", f"{way}: {len(touched)} files", *touched, sep="\n  ")  # noqa: T201


def test_send_at_from_mail_send_to_smtp(
    client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    client_of_alice.post("/v3/mail/send", mail_body())
    deliverer.deliver_due(seconds=2)
    body = mail_body(send_at=int(database_now().timestamp()) + 60)
    with recorded("send_at, from POST /v3/mail/send to SMTP"):
        assert client_of_alice.post("/v3/mail/send", body).status_code == 202
        clock.advance(seconds=61)
        parcel = Parcel.objects.latest("pk")
        fire_wave(parcel.batch_id, parcel.due_at.isoformat())
        assert deliverer.deliver_due(seconds=2)
    assert len(peer.recipients) == 2


def test_cancel_from_easymail(client_of_alice: ApiClient, deliverer: Deliverer) -> None:
    first, second = Easymail(client_of_alice), Easymail(client_of_alice)
    first.create_audience(["r1@example.com"])
    second.list, second.identity = first.list, first.identity
    for campaign in (first, second):
        campaign.create()
        campaign.launch()
    client_of_alice.post(f"{first.path}/cancel")
    with recorded("cancel, from POST /api/v1/campaigns/{uuid}/cancel to its receipt"):
        assert client_of_alice.post(f"{second.path}/cancel").status_code == 200


def test_import_of_contacts(client_of_alice: ApiClient) -> None:
    upload(begin(client_of_alice, field_mappings=MAPPINGS), FILE)
    run_next_job()
    with recorded("import of contacts: its request, the upload, the job, its result"):
        begun = begin(client_of_alice, field_mappings=MAPPINGS)
        assert upload(begun, FILE).status_code == 200
        run_next_job()
        assert client_of_alice.get(f"{IMPORTS}/{begun['job_id']}").status_code == 200
