"""Define the SQL of suppressions: prepared statements of every claim and every request, for many addresses at once."""

from __future__ import annotations

from typing import Final

from mailer.models import SuppressionKind


def is_exempt(account: str, email: str) -> str:
    """Return the SQL condition that an address, or its domain, is one that the account never suppresses.

    The arguments are SQL. If they are columns of a suppression, this is evaluated only for suppressions that were
    found. If the account is a parameter, its row is read once.
    """
    exempt = f"(select never_suppressed from content_mailsettings where account_id = {account})"
    return f"coalesce({exempt} && array[{email}, split_part({email}, '@', -1)], false)"


# A probe for each address: the limit, which none reaches, keeps the planner from joining in another way.
FIND_SUPPRESSIONS: Final = f"""
select asked.account_id, asked.email, s.kind, s.group_id
from unnest(%(accounts)s::bigint[], %(emails)s::text[]) as asked(account_id, email)
cross join lateral (
    select kind, group_id from mailer_suppression own
    where account_id = asked.account_id and email = asked.email and kind <> {int(SuppressionKind.BLOCK)}
        and not {is_exempt("own.account_id", "own.email")}
    limit 1000
) s
"""

KNOWN_GROUPS: Final = """
select id from mailer_unsubscribegroup where account_id = %s and id = any(%s::int[]) and deleted_at is null
"""

ADD_SUPPRESSIONS: Final = """
insert into mailer_suppression (account_id, email, kind, group_id, reason, status, batch_id, message_id)
select * from unnest(%(account_id)s::bigint[], %(email)s::text[], %(kind)s::smallint[], %(group_id)s::int[],
    %(reason)s::text[], %(status)s::text[], %(batch_id)s::bigint[], %(message_id)s::bigint[])
on conflict do nothing
"""

# The parcel of a message to which a late event is added, so that nobody deletes it before that. A worker does not wait.
LOCK_PARCEL: Final = "select * from batches_parcel where id = %s and account_id = %s for key share"
