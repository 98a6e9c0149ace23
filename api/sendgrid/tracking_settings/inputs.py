"""Read the changes of tracking settings, as those of mail settings are read."""

from __future__ import annotations

from api.sendgrid.mail_settings.inputs import Switch
from api.sendgrid.values import Url


class GoogleAnalytics(Switch):
    """The parameters that links get for Google Analytics."""

    utm_source: str = ""
    utm_medium: str = ""
    utm_term: str = ""
    utm_content: str = ""
    utm_campaign: str = ""


class Subscription(Switch):
    """The texts with the link to unsubscribe, and the tag that stands for the address of that link."""

    html_content: str = ""
    plain_content: str = ""
    landing: str = ""
    replace: str = ""
    url: Url = ""
