"""Find what a person wants to stop: a batch or a campaign by its id or by a part of its name, or an account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stack import StackError
from stack.asking import choose
from stack.drawing import clean
from stack.remote import Refused, Remote

CAMPAIGN_ID = re.compile(r"[0-9]{1,9}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*")
BATCH_ID = re.compile(r"[A-Za-z0-9_-]{20,64}")
MOST_HITS = 20
MOST_SEARCHED = {"/campaigns": 200, "/batches": 120}
"""The longest text that the API searches for."""
STATUSES = {
    "stop": (["open", "paused"], ["scheduled", "queued", "sending", "paused"]),
    "pause": (["open"], ["queued", "sending"]),
    "resume": (["paused", "cancelled"], ["paused"]),
}
"""The statuses of batches and of campaigns that a command can change."""
FATES = {
    "stop": {"cancelled"},
    "pause": {"cancelled", "paused"},
    "resume": {"open", "frozen", "will be sent", "waits for its audience"},
}
"""The gates of running mail, and the fates of coming mail, in which a command has no effect."""


@dataclass(frozen=True)
class Target:
    """A batch, a campaign or an account."""

    kind: str
    path: str
    """The path in the API."""
    name: str
    account: str | None = None
    """The subuser that it belongs to; None: the account of the key."""

    def __str__(self) -> str:
        return f"{self.kind} {clean(self.name)}" + (f" of {self.account}" if self.account else "")


def find_account(remote: Remote, name: str) -> Target:
    """Return the account of the key, or one of its subusers. Raises StackError."""
    username = remote.get("/account")["username"]
    if name == username:
        return Target("account", "/account", name)
    if not has_account(remote, name):
        raise StackError(f"{name!r} is neither the account of the key, which is {username}, nor one of its subusers.")
    return Target("account", "/account", name, name)


def has_account(remote: Remote, name: str) -> bool:
    """Return whether an account is a subuser of the account of the key."""
    if not USERNAME.fullmatch(name):
        # The header that names the subuser cannot contain this name.
        return False
    try:
        remote.get("/account", account=name)
    except Refused as error:
        if error.status != 403:
            raise
        return False
    return True


def find_target(remote: Remote, text: str, command: str) -> Target:
    """Return the batch or the campaign with this id, or the only one with this text in its name.

    A search by name only finds batches and campaigns that the command, such as `stop`, can change.

    If there are several, a person chooses one at a terminal. Raises StackError.
    """
    if target := find_by_id(remote, text):
        return target
    hits = list(dict.fromkeys(search(remote, text, command)))
    if not hits:
        raise StackError(
            f"No batch or campaign has the id {text!r}, and none that you can {command} has this text in its name. "
            "./sluice ps shows what is being sent."
        )
    return hits[0] if len(hits) == 1 else choose(hits, text)


def find_by_id(remote: Remote, text: str) -> Target | None:
    """Return the batch or the campaign of the account with this id."""
    if CAMPAIGN_ID.fullmatch(text):
        campaign = remote.find(f"/campaigns/{text}")
        if campaign:
            return campaign_target(campaign["id"], campaign["title"])
    if BATCH_ID.fullmatch(text):
        batch = remote.find(f"/batches/{text}")
        if batch:
            return batch_target(batch["id"], batch["label"])
    return None


def search(remote: Remote, text: str, command: str) -> Iterator[Target]:
    """Yield the batches and campaigns with the text in their names, also of subusers: running and coming ones first."""
    batch_statuses, campaign_statuses = STATUSES[command]
    username = remote.get("/account")["username"]
    now = remote.get("/now")
    for mailing in [*now["running"], *now["next"]]:
        account = None if mailing["account"] == username else mailing["account"]
        ids = {mailing["batch_id"], mailing["campaign_id"], mailing["campaign_uuid"]} - {None}
        is_useful = mailing.get("gate", mailing.get("fate")) not in FATES[command]
        if is_useful and ids and (text in ids or text.lower() in mailing["label"].lower()):
            yield target_of(mailing, account)
    for campaign in read_hits(remote, "/campaigns", text, campaign_statuses):
        yield campaign_target(campaign["id"], campaign["title"])
    for batch in read_hits(remote, "/batches", text, batch_statuses):
        yield batch_target(batch["id"], batch["label"])


def read_hits(remote: Remote, path: str, text: str, statuses: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the newest rows of a list with the text in their names, status by status.

    The API selects the status: newer rows in other statuses, however many, hide none.
    """
    for status in statuses:
        yield from remote.get(path, search=text[: MOST_SEARCHED[path]], status=status, limit=str(MOST_HITS))


def target_of(mailing: dict[str, Any], account: str | None) -> Target:
    if mailing["campaign_id"]:
        return campaign_target(mailing["campaign_id"], mailing["label"], account)
    return batch_target(mailing["batch_id"], mailing["label"], account)


def campaign_target(number: str, title: str, account: str | None = None) -> Target:
    return Target("campaign", f"/campaigns/{number}", f"{title} ({number})", account)


def batch_target(public_id: str, label: str, account: str | None = None) -> Target:
    name = f"{label} ({public_id})" if label and label != public_id else public_id
    return Target("batch", f"/batches/{public_id}", name, account)
