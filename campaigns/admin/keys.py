"""Show a key's page with the button that revokes it and stops everything that it scheduled.

Accounts know nothing of campaigns, so this admin takes the place of the one in `accounts/admin`.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from accounts.admin import ApiKeyAdmin
from accounts.models import ApiKey
from batches.admin.asking import Figure, Question, ReasonForm, confirm, require
from batches.admin.receipts import tabulate_receipts
from campaigns.models import Revocation
from campaigns.revoking import RECEIPTS_SHOWN, count_scheduled, list_receipts, revoke_and_stop

MAY_STOP = ("accounts.change_apikey", "batches.change_batch")

admin.site.unregister(ApiKey)


@admin.register(ApiKey)
class StoppableApiKeyAdmin(ApiKeyAdmin):
    """Show keys, with the button that also stops everything that a key scheduled."""

    change_form_template = "campaigns/key.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.stop_view)
        return [path("<int:key_pk>/revoke-and-stop/", view, name="accounts_apikey_stop"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        key = kwargs.get("obj")
        if key is not None:
            revocation = Revocation.objects.select_related("key__account").filter(key=key).first()
            context["may_stop"] = revocation is None and request.user.has_perms(MAY_STOP)
            context["revocation"] = revocation
            if revocation is not None:
                context["receipts"] = tabulate_receipts(list_receipts(revocation)[:RECEIPTS_SHOWN])
        return super().render_change_form(request, context, *args, **kwargs)

    def stop_view(self, request: HttpRequest, key_pk: int) -> HttpResponse:
        """Ask for confirmation and show how much mail is scheduled; on POST revoke the key and stop that mail."""
        require(request, *MAY_STOP)
        key = get_object_or_404(ApiKey.objects.select_related("account"), pk=key_pk)
        back = reverse("admin:accounts_apikey_change", args=[key.pk])

        def carry(actor: str, answers: dict[str, Any]) -> HttpResponse:
            revocation = revoke_and_stop(key, actor=actor, reason=answers["reason"])
            self.log_change(request, key, describe(revocation))
            messages.success(request, describe(revocation))
            return HttpResponseRedirect(back)

        return confirm(
            request,
            ReasonForm(request.POST or None),
            lambda: _question(key),
            carry,
            back=back,
            model=ApiKey,
            first=lambda: (
                "Everything that this key scheduled was stopped before."
                if Revocation.objects.filter(key=key).exists()
                else ""
            ),
        )


def describe(revocation: Revocation) -> str:
    """Return what was stopped, for the message above the key's page."""
    end = "" if revocation.settled_at else " Workers still have some of the mail; the sweeper stops it within seconds."
    return (
        f"The key {revocation.key.name} is revoked. Campaigns cancelled: {revocation.campaigns:,}. Batches cancelled: "
        f"{revocation.batches:,}. Messages stopped in other batches: {revocation.messages:,}.{end}"
    )


def _question(key: ApiKey) -> Question:
    scheduled = count_scheduled(key)
    return Question(
        title="Revoke a key and stop its mail",
        text=f"Revoke {key.name} and stop everything that it scheduled?",
        figures=[
            Figure("Campaigns", scheduled.campaigns),
            Figure("Batches with waiting mail", scheduled.batches),
            Figure("Waiting messages", scheduled.messages),
        ],
        consequences=[
            "The next request with this key is refused. This cannot be undone.",
            "The campaigns that it scheduled, and the batches that it made, are cancelled.",
            "Waiting mail that was accepted with it in other batches, or without a batch, is discarded.",
            "Each batch gets a receipt.",
        ],
        button="Revoke and stop",
        icon="key_off",
        variant="danger",
    )
