"""Schedule mail that waits, after the promises were judged, so that the figures of waiting mail are compared, too."""

from __future__ import annotations

import json
import random
import time

from chaos.load import send_mail
from chaos.marketing import draft_campaign, schedule_body
from chaos.operator import Operator
from chaos.pages import MESSAGES
from chaos.site import Site
from stack.stored_numbers import IS_ENDED, ParcelState, listed

HOUR = 3_600
LEFT = ((1, ""), (2, "pause"), (3, "cancel"), (30, ""), (50, ""))
"""The hours until mail is sent, and the stop of its batch."""
MOST = 40
SETTLED_SECONDS = 60.0
# Mail that is due within minutes counts, too: it would be retained while the pages are read.
UNSETTLED = f"""
select (select count(*) from batches_parcel where state in {listed(ParcelState.DUE, ParcelState.CLAIMED)})
     + (select count(*) from batches_parcel
        where state = {ParcelState.SCHEDULED} and due_at <= sluice_now() + interval '10 minutes')
     + (select count(*) from batches_receipt where settled_at is null)
     + (select count(*) from batches_parcel where {IS_ENDED} and not is_folded)
"""


def leave_mail(site: Site, operator: Operator, rng: random.Random) -> None:
    """Schedule mail and a campaign for later, stop a part of it, and let other mail be retained."""
    batches = [leave_batch(site, hours * HOUR, rng.randint(1, MOST), stop=stop) for hours, stop in LEFT]
    leave_batch(site, 1, rng.randint(1, MOST), stop="pause")
    send_mail(site.api, site.journal, "", rng.randint(1, MOST), int(time.time()) + HOUR)
    draft = draft_campaign(site, "Single Send")
    method, path = draft.schedule
    site.api.ask(method, path, schedule_body(draft, time.time() + 5 * HOUR))
    draft_campaign(site, "legacy campaign")
    operator.send(f"{MESSAGES}all/stop/?batch={batches[-1]}", {"reason": "Wrong prices"})
    site.wait_until(lambda: site.query(UNSETTLED)[0][0] == 0, seconds=SETTLED_SECONDS, what="the mail that is left")


def leave_batch(site: Site, seconds: int, messages: int, *, stop: str) -> str:
    """Schedule mail in a new batch, which may be stopped before its time, and return the id of the batch."""
    batch_id = str(json.loads(site.api.ask("POST", "/v3/mail/batch").body)["batch_id"])
    if stop:
        site.api.ask("POST", "/v3/user/scheduled_sends", {"batch_id": batch_id, "status": stop})
    send_mail(site.api, site.journal, batch_id, messages, int(time.time()) + seconds)
    return batch_id
