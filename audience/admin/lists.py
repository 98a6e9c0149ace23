"""Create, rename and delete lists. They are filled by the APIs and by imports."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from audience.lists import create_list, delete_list, rename_list
from audience.models import ContactList
from batches.admin.batches import AccountFilter
from batches.admin.refusing import RefusableAdmin, RefusableForm
from foundation.admin import ChoosingForm, ReadOnlyAdmin, draw_figure, draw_link, write_time


class ListForm(RefusableForm, ChoosingForm[ContactList]):
    """Ask for the account and the name of a list."""

    class Meta:
        model = ContactList
        fields = ("account", "name")


@admin.register(ContactList)
class ContactListAdmin(RefusableAdmin[ContactList]):
    """Show and edit lists. The counts that it shows are stored, so no rows are counted."""

    list_display = ("name", "shown_account", "shown_count", "made", "contacts")
    list_select_related = ("account",)
    list_filter = (AccountFilter,)
    search_fields = ("name",)
    ordering = ("-pk",)
    form = ListForm
    actions = None
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContactList]:
        return super().get_queryset(request).filter(deleted_at=None)

    def get_readonly_fields(self, request: HttpRequest, obj: ContactList | None = None) -> Any:
        return ("account", "shown_count", "contacts") if obj else ()

    def get_fields(self, request: HttpRequest, obj: ContactList | None = None) -> Any:
        return ("account", "name", "shown_count", "contacts") if obj else ("account", "name")

    def save_model(self, request: HttpRequest, obj: ContactList, form: Any, change: bool) -> None:
        if change:
            rename_list(obj.account, obj.pk, form.cleaned_data["name"])
        else:
            obj.pk = create_list(obj.account, obj.name).pk

    def delete_model(self, request: HttpRequest, obj: ContactList) -> None:
        delete_list(obj.account, obj.pk)

    @admin.display(description="account")
    def shown_account(self, obj: ContactList) -> str:
        return obj.account.username

    @admin.display(description="contacts")
    def shown_count(self, obj: ContactList) -> SafeString:
        return draw_figure(f"list:{obj.pk}:contacts", obj.contact_count)

    @admin.display(description="created (UTC)")
    def made(self, obj: ContactList) -> str:
        return write_time(obj.created_at)

    @admin.display(description="members")
    def contacts(self, obj: ContactList) -> SafeString:
        query = {"account": obj.account_id, "list": obj.pk}
        return draw_link(reverse("admin:audience_contact_changelist", query=query), "Contacts")
