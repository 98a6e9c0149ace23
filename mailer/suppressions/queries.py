"""The SQL of suppressions: many addresses at once, which the ORM says in far more words than it saves."""

from __future__ import annotations

from typing import Final

from mailer.models import SuppressionKind

FIND_SUPPRESSIONS: Final = f"""
select asked.account_id, asked.email, s.kind, s.group_id
from unnest(%(accounts)s::bigint[], %(emails)s::text[]) as asked(account_id, email)
cross join lateral (
    select kind, group_id from mailer_suppression
    where account_id = asked.account_id and email = asked.email and kind <> {int(SuppressionKind.BLOCK)}
    limit 200
) s
"""
"""A probe for each address: the limit keeps the planner from joining in another way."""
