"""Register the admin pages of senders, terms and keys; those of campaigns are in `console/campaigns/`.

A form shows what may be edited. Buttons call the functions that the APIs call.
"""

from campaigns.admin import refusals  # noqa: F401  (registers its texts for all pages)
from campaigns.admin.keys import StoppableApiKeyAdmin
from campaigns.admin.senders import SenderAdmin
from campaigns.admin.terms import AccountTermsAdmin

__all__ = [
    "AccountTermsAdmin",
    "SenderAdmin",
    "StoppableApiKeyAdmin",
]
