"""Create API keys, show them once, and revoke them. They cannot be edited or deleted.

A key's secret appears on one page only, the response to the form that created it. It is not stored in a message, cookie
or session.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldBooleanWidget

from accounts.errors import KeyLimitReached, UnknownKey
from accounts.keys import ALL_SCOPES, FULL_ACCESS, create_key, revoke_key
from accounts.models import ApiKey
from foundation.admin import ChoosingForm, ReadOnlyAdmin, coloured, write_time

KEY_COLOURS = {"valid": "success", "revoked": "danger"}


class KeyForm(ChoosingForm[ApiKey]):
    """Ask for the account, the name and the scopes of a new key."""

    has_full_access = forms.BooleanField(
        required=False,
        label="Full access",
        widget=UnfoldBooleanWidget(),
        help_text="The key holds every scope, including those of later versions. The scopes below are then ignored.",
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in ALL_SCOPES],
        required=False,
        widget=UnfoldAdminSelectMultipleWidget(attrs={"size": 14}),
        help_text="A key without scopes can do nothing.",
    )

    class Meta:
        model = ApiKey
        fields = ("account", "name")


class KeyColumns:
    """Define the columns of all lists of keys."""

    @admin.display(description="scopes")
    def scope_count(self, key: ApiKey) -> str:
        return count_scopes(key)

    @admin.display(description="created (UTC)")
    def made(self, key: ApiKey) -> str:
        return write_time(key.created_at)

    @admin.display(description="revoked (UTC)")
    def revoked(self, key: ApiKey) -> str:
        return write_time(key.revoked_at)


@admin.register(ApiKey)
class ApiKeyAdmin(KeyColumns, ReadOnlyAdmin[ApiKey]):
    """Create, show and revoke keys."""

    form = KeyForm
    list_display = ("name", "key_id", "account", "scope_count", "made", "life")
    list_select_related = ("account",)
    search_fields = ("key_id__exact", "account__username__exact")
    search_help_text = "Search by key id or the username of an account"
    ordering = ("-pk",)
    autocomplete_fields = ("account",)
    change_form_template = "accounts/key.html"

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return ["account", "name", "has_full_access", "scopes"]
        return ["account", "name", "key_id", "granted", "made", "revoked"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return ["granted", "made", "revoked"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_apikey")

    def get_urls(self) -> list[URLPattern]:
        revoke = path("<int:key>/revoke/", self.admin_site.admin_view(self.revoke_view), name="accounts_apikey_revoke")
        return [revoke, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except KeyLimitReached:
            self.message_user(
                request,
                "No key was created: this account has reached its limit of keys. Revoke one first.",
                messages.ERROR,
            )
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Create the key as the API does. The secret is kept for this request only."""
        fields = form.cleaned_data
        key, secret_text = create_key(obj.account, obj.name, None if fields["has_full_access"] else fields["scopes"])
        obj.__dict__.update(key.__dict__)
        request.secret_text = secret_text  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Respond with the only page that shows the secret, since a message would travel in a cookie."""
        return show_secret(request, obj)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        key = kwargs.get("obj")
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        context["may_revoke"] = key is not None and key.revoked_at is None and may_revoke(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def revoke_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask for confirmation, and on POST revoke the key."""
        if not may_revoke(request):
            raise PermissionDenied
        api_key = get_object_or_404(ApiKey.objects.select_related("account"), pk=key)
        if request.method == "POST":
            self.revoke(request, api_key)
            return HttpResponseRedirect(reverse("admin:accounts_apikey_change", args=[api_key.pk]))
        return TemplateResponse(request, "accounts/revoke.html", page_context(request, api_key, title="Revoke a key"))

    def revoke(self, request: HttpRequest, key: ApiKey) -> None:
        try:
            revoke_key(key.account, key.key_id)
        except UnknownKey:
            self.message_user(request, "Nothing was changed: the key was revoked before.", messages.WARNING)
            return
        self.log_change(request, key, "Revoked.")
        self.message_user(request, f"The key {key.name} is revoked. Its next request will be refused.")

    @admin.display(description="scopes")
    def granted(self, key: ApiKey) -> str:
        return "full access" if FULL_ACCESS in key.scopes else ", ".join(key.scopes)

    @coloured(KEY_COLOURS)
    @admin.display(description="state")
    def life(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "valid"


def may_revoke(request: HttpRequest) -> bool:
    return request.user.has_perm("accounts.change_apikey")


def count_scopes(key: ApiKey) -> str:
    """Return the number of a key's scopes, or that it has full access."""
    return "full access" if FULL_ACCESS in key.scopes else str(len(key.scopes))


def show_secret(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Render the page that shows the text of a new key once."""
    context = page_context(request, key, title="A new API key")
    return TemplateResponse(request, "accounts/secret.html", {**context, "secret_text": request.secret_text})  # type: ignore[attr-defined]


def page_context(request: HttpRequest, key: ApiKey, *, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "opts": ApiKey._meta, "key": key}
