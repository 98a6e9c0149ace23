"""Register the admin pages of accounts, their keys, and operators."""

from accounts.admin.accounts import AccountAdmin
from accounts.admin.keys import ApiKeyAdmin
from accounts.admin.operators import OperatorAdmin

__all__ = ["AccountAdmin", "ApiKeyAdmin", "OperatorAdmin"]
