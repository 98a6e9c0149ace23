"""Edit the default terms of an account's campaigns."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from batches.admin.refusing import RefusableAdmin, RefusableForm
from campaigns.models import AccountTerms
from campaigns.terms import change_account_terms
from foundation.admin import ChoosingForm


class TermsForm(RefusableForm, ChoosingForm[AccountTerms]):
    """Edit the rate of all campaigns of an account together, and its undo window."""

    class Meta:
        model = AccountTerms
        fields = ("account", "rate_per_minute", "undo_seconds")


@admin.register(AccountTerms)
class AccountTermsAdmin(RefusableAdmin[AccountTerms]):
    """Show and edit the terms. A change gives new times to all waiting mail of the account's campaigns."""

    list_display = ("account", "rate_per_minute", "undo_seconds")
    list_select_related = ("account",)
    search_fields = ("account__username",)
    ordering = ("account__username",)
    form = TermsForm
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: AccountTerms | None = None) -> Any:
        return ("account",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: AccountTerms | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AccountTerms, form: Any, change: bool) -> None:
        change_account_terms(obj.account, rate_per_minute=obj.rate_per_minute, undo_seconds=obj.undo_seconds)
