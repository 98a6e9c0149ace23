"""Build the SQL of accept: one statement stores a request, and also its message if there is only one.

The ORM cannot express several inserts in one statement, and each round trip of a single mail costs as much as a row.
"""

from __future__ import annotations

from itertools import product
from typing import Final, NamedTuple

from accounts.keys import FULL_ACCESS
from batches.labels import LOOKED_AT
from batches.models import LABEL_LENGTH, PARCEL_SPAN
from batches.queries import accept_lock, insert_parcels
from mailer.outcomes.queries import count_accepted

ACCOUNT: Final = "%(account)s::bigint"

# The batch of this id, if it is usable (`is_usable`).
DEFAULT_BATCH: Final = f"b.account_id = {ACCOUNT} and b.is_default"
NAMED_BATCH: Final = f"""b.account_id = {ACCOUNT} and b.public_id = %(batch)s
    and not (b.is_default or b.is_campaign) and (
        b.created_at > now - make_interval(days => %(days)s) or exists (
            select from batches_parcel p where p.batch_id = b.id and not p.is_folded and p.finalized_at is null))"""

# Whether the key of the caller, if it was only recalled, is still valid and may send.
MAY_SEND: Final = f"""(not %(is_recalled)s::bool or exists (
        select from accounts_apikey k where k.id = %(key)s::bigint and k.revoked_at is null
            and k.scopes && '{{mail.send,{FULL_ACCESS}}}'))"""

ONE_PARCEL: Final = "(values (1, %(send_at)s::timestamptz, 1::smallint))"
PARCELS: Final = "unnest(%(numbers)s::int[], %(send_ats)s::timestamptz[], %(sizes)s::smallint[])"

COPY_MESSAGES: Final = "copy mailer_message (id, mail_id, recipient, personal) from stdin"
ONE_MESSAGE: Final = f""", message as (
    insert into mailer_message (id, mail_id, recipient, personal)
    select drawn.id * {PARCEL_SPAN}, mail.id, %(recipient)s, %(personal)s::jsonb from drawn, mail
)"""


# Label a batch with the subject of its first mail. The subject of a dynamic template replaces the one of the mail. With
# a label the row of the batch is not even looked up again. Two first mails wait for each other, and the first one wins.
LABEL_BATCH: Final = rf"""
    update batches_batch b set label = coalesce((
        select nullif(left(btrim(regexp_replace(left(c.subject, {LOOKED_AT}), '\s+', ' ', 'g')), {LABEL_LENGTH}), '')
        from content_versioncontent c where c.id = %(template)s::bigint and (c.is_dynamic or %(label)s::text = '')
    ), %(label)s::text)
    from batch where batch.is_unlabelled and b.id = batch.id and b.label = ''
"""


class Kind(NamedTuple):
    """The kinds of mail that are stored by different statements, so that none pays for the counters of another."""

    is_in_batch: bool
    """True if the mail names its batch. Otherwise it belongs to the account's default batch, which has no counters."""
    has_categories: bool


def store(kind: Kind, parcels: str, messages: str = "") -> str:
    """Return a statement that stores a mail and its parcels, and counts its recipients as accepted.

    It returns for each parcel, in order: its id, its send_at, its mail, its batch, and the moment that was "now".
    Nothing is stored, and nothing returned, if the batch does not exist or the key may not send. No purge of the
    account sets its limit between `locked` and the end of the transaction. Mail that is due now is due at once: the
    worker that claims it reads the gate. The account's defaults are copied, so a later change of them does not change
    accepted mail.
    """
    batch = NAMED_BATCH if kind.is_in_batch else DEFAULT_BATCH
    counted = count_accepted(
        "batch",
        account=ACCOUNT,
        lane="%(lane)s",
        recipients="%(recipients)s::bigint",
        batch="batch.id" if kind.is_in_batch else "",
        categories="%(categories)s::text[]" if kind.has_categories else "",
    )
    labelled = f", labelled as ({LABEL_BATCH})" if kind.is_in_batch else ""
    return f"""
with locked as materialized (
    select pg_advisory_xact_lock_shared({accept_lock(ACCOUNT)})
), moment as materialized (
    select sluice_now() as now from locked
), batch as materialized (
    select b.id, now, b.label = '' as is_unlabelled from moment, batches_batch b where {batch} and {MAY_SEND}
), mail as (
    insert into mailer_mail (account_id, batch_id, public_id, sender, sender_name, subject, reply_to, content,
        attachments, headers, categories, custom_args, unsubscribe_group_id, groups_to_display, unsubscribe_url, bypass,
        template_id, rendering, api_key_id, send_at, created_at, defaults)
    select {ACCOUNT}, batch.id, %(public_id)s, %(sender)s, %(sender_name)s, %(subject)s, %(reply_to)s::jsonb,
        %(content)s::jsonb, %(attachments)s::jsonb, %(headers)s::jsonb, %(categories)s::text[], %(custom_args)s::jsonb,
        %(unsubscribe_group)s::int, %(groups_to_display)s::int[], %(unsubscribe_url)s, %(bypass)s::smallint,
        %(template)s::bigint, %(rendering)s::jsonb, %(key)s::bigint,
        %(mail_send_at)s::timestamptz, now,
        (select a.mail_defaults from accounts_account a where a.id = {ACCOUNT})
    from batch returning id
), drawn as materialized (
    select nextval('batches_parcel_id_seq') as id, p.number, greatest(p.send_at, now) as send_at, p.size,
        batch.id as batch_id, now
    from batch, {parcels} as p(number, send_at, size)
), parcel as (
    {insert_parcels("drawn", batch="batch_id", account=ACCOUNT, lane="%(lane)s")}
), counted as (
    {counted}
){labelled}{messages}
select drawn.id, send_at, mail.id, batch_id, now from drawn, mail order by number
"""


KINDS: Final = [Kind(*flags) for flags in product((False, True), repeat=2)]
STORE_ONE: Final = {kind: store(kind, ONE_PARCEL, ONE_MESSAGE) for kind in KINDS}
# The messages follow by COPY.
STORE: Final = {kind: store(kind, PARCELS) for kind in KINDS}
