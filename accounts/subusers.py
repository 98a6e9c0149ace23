"""Find subusers: accounts below another one, for which the parent's keys may act."""

from __future__ import annotations

import re

from accounts.errors import UnknownSubuser
from accounts.models import Account

USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
BY_ID = re.compile(r"account-id +([0-9]{1,18})", re.IGNORECASE)


def find_subuser(account: Account, text: str) -> Account:
    """Return the direct subuser that an `On-Behalf-Of` header names: by username, or as `account-id <id>`.

    Raises UnknownSubuser for all other accounts, whether they exist or not.
    """
    subuser: Account | None = None
    if by_id := BY_ID.fullmatch(text):
        subuser = account.subusers.filter(pk=int(by_id[1])).first()
    elif USERNAME.fullmatch(text):
        subuser = account.subusers.filter(username=text).first()
    if subuser is None:
        raise UnknownSubuser
    return subuser
