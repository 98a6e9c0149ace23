"""Answer the calls for mail settings, which are the same for each setting."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import Needed
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.mail_settings import inputs, outputs, schema
from content import settings


class SettingEndpoint(Endpoint):
    """Return a setting, and change the given parts of it. `name` is its name in the core."""

    name: ClassVar[str]
    change: ClassVar[type[inputs.Switch]]

    def get(self, request: Request) -> Response:
        return Response(settings.read_setting(self.account, self.name))

    def patch(self, request: Request) -> Response:
        changes = inputs.read_change(request, self.change)
        return Response(settings.change_setting(self.account, self.name, changes))


class SettingList(Endpoint):
    """Return the titles of several settings, and whether they are enabled."""

    summaries: ClassVar[outputs.Summaries]

    def get(self, request: Request) -> Response:
        return Response({"result": self.entries()})

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries of the list."""
        return outputs.summaries(settings.read_settings(self.account), self.summaries)


def scopes_for(group: str) -> Needed:
    """Return the scopes to read and to change a setting."""
    return {"GET": f"{group}.read", "PATCH": f"{group}.update"}


@schema.settings
class MailSettings(SettingList):
    scopes = {"GET": "mail_settings.read"}
    summaries = outputs.SUMMARIES

    def get(self, request: Request) -> Response:
        part = inputs.read_part(request)
        return Response({"result": self.entries()[part]})


@schema.address_whitelist
class AddressWhitelist(SettingEndpoint):
    scopes = scopes_for("mail_settings.address_whitelist")
    name, change = "address_whitelist", inputs.Whitelist


@schema.bounce_purge
class BouncePurge(SettingEndpoint):
    scopes = scopes_for("mail_settings.bounce_purge")
    name, change = "bounce_purge", inputs.BouncePurge


@schema.footer
class Footer(SettingEndpoint):
    scopes = scopes_for("mail_settings.footer")
    name, change = "footer", inputs.Footer


@schema.forward_bounce
class ForwardBounce(SettingEndpoint):
    scopes = scopes_for("mail_settings.forward_bounce")
    name, change = "forward_bounce", inputs.ForwardBounce


@schema.forward_spam
class ForwardSpam(SettingEndpoint):
    scopes = scopes_for("mail_settings.forward_spam")
    name, change = "forward_spam", inputs.ForwardSpam


@schema.template
class Template(SettingEndpoint):
    scopes = scopes_for("mail_settings.template")
    name, change = "template", inputs.Template


urlpatterns: list[URLPattern] = [
    re_path(r"^mail_settings/?$", MailSettings.as_view()),
    re_path(r"^mail_settings/address_whitelist/?$", AddressWhitelist.as_view()),
    re_path(r"^mail_settings/bounce_purge/?$", BouncePurge.as_view()),
    re_path(r"^mail_settings/footer/?$", Footer.as_view()),
    re_path(r"^mail_settings/forward_bounce/?$", ForwardBounce.as_view()),
    re_path(r"^mail_settings/forward_spam/?$", ForwardSpam.as_view()),
    re_path(r"^mail_settings/template/?$", Template.as_view()),
]
