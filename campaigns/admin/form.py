"""Edit a campaign: its content, its audience and its time. The form collects the changes, and the core makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, ClassVar

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.fields import BLANK_CHOICE_DASH
from django.db.models.functions import Concat
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import Account
from audience.models import ContactList, Segment
from batches.admin.refusing import RefusableForm
from campaigns.admin.pace import PaceFields, pace_as_written
from campaigns.admin.times import ZonedTimeField, zone_of
from campaigns.links import URL_RULE, is_url
from campaigns.models import Campaign, Sender
from foundation.admin import ChoosingForm
from foundation.clock import database_now
from mailer.models import UnsubscribeGroup

NOW, AT = "now", "at"
PARTS = ("sender", "suppression_group")
SEVERAL = ("lists", "segments")
WINDOW = ("window_weekdays", "window_from", "window_to", "window_time_zone")


def rows_of(account: Account) -> dict[str, QuerySet[Any]]:
    """Return the rows that the fields of a campaign can be chosen from, by the names of the fields."""
    return {
        "sender": Sender.objects.filter(account=account),
        "lists": ContactList.objects.filter(account=account, deleted_at=None),
        "segments": Segment.objects.filter(account=account),
        "suppression_group": UnsubscribeGroup.objects.filter(account=account, deleted_at=None),
    }


def read_choices(chosen_from: Mapping[str, QuerySet[Any]]) -> list[tuple[str, int, str]]:
    """Return what can be chosen in all fields, as the field, the id and the name of each row, in one statement."""
    address = Concat("nickname", Value(" <"), "from_email", Value(">"), output_field=TextField())
    names = {"sender": address}
    parts = [
        rows.order_by().values_list(Value(field), "pk", names.get(field, F("name")))
        for field, rows in chosen_from.items()
    ]
    return sorted(parts[0].union(*parts[1:], all=True))


def _choices_of(read: Callable[[], list[tuple[str, int, str]]], field: str) -> list[tuple[Any, str]]:
    """Return the choices of a field. A field that takes one value also offers no value; those in `SEVERAL` do not."""
    none: list[tuple[Any, str]] = [] if field in SEVERAL else BLANK_CHOICE_DASH
    return [*none, *((pk, name) for of_field, pk, name in read() if of_field == field)]


class NewCampaignForm(RefusableForm, ChoosingForm[Campaign]):
    """Ask for the account and the title. The other choices depend on the account."""

    class Meta:
        model = Campaign
        fields = ("account", "title")

    def changes(self) -> dict[str, Any]:
        """Return the fields of the draft. Its times are meant in the account's time zone."""
        return {"title": self.cleaned_data["title"], "time_zone": self.cleaned_data["account"].time_zone}


class CampaignForm(RefusableForm, PaceFields, ChoosingForm[Campaign]):
    """Edit everything that can be changed in a draft."""

    categories = SimpleArrayField(
        forms.CharField(max_length=255),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Separated by commas.",
    )
    lists = forms.ModelMultipleChoiceField(
        ContactList.objects.none(), required=False, widget=UnfoldAdminSelect2MultipleWidget
    )
    segments = forms.ModelMultipleChoiceField(
        Segment.objects.none(), required=False, widget=UnfoldAdminSelect2MultipleWidget
    )
    scheduling = forms.ChoiceField(
        label="Scheduling",
        choices=[(NOW, "Send Immediately"), (AT, "Send at a time")],
        widget=UnfoldAdminSelectWidget,
        help_text="When the campaign is sent, once Send Campaign is confirmed.",
    )
    send_at = ZonedTimeField(
        required=False,
        help_text="In the time zone of the account, or in that of the campaign if it is sent in local time.",
    )

    class Meta:
        model = Campaign
        fields = (
            "title",
            "subject",
            "preheader",
            "html_content",
            "plain_content",
            "generates_plain",
            "categories",
            "sender",
            "from_name",
            "reply_to",
            "is_to_all",
            "lists",
            "segments",
            "suppression_group",
            "custom_unsubscribe_url",
            "send_at",
            "undo_seconds",
            "is_local_time",
            "rate_per_minute",
            "spread_seconds",
        )
        labels: ClassVar = {
            "html_content": "HTML content",
            "generates_plain": "Plain text from HTML",
            "is_to_all": "To all contacts",
            "suppression_group": "Unsubscribe group",
            "custom_unsubscribe_url": "Custom unsubscribe link",
            "undo_seconds": "Undo window (seconds)",
            "is_local_time": "Local time",
        }
        help_texts: ClassVar = {
            "custom_unsubscribe_url": "The page that the unsubscribe link leads to, instead of an unsubscribe group.",
        }
        widgets: ClassVar = {
            "subject": UnfoldAdminTextInputWidget,
            "custom_unsubscribe_url": UnfoldAdminTextInputWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        campaign: Campaign = kwargs["instance"]
        kwargs["initial"] = {
            **pace_as_written(campaign),
            "scheduling": AT if campaign.send_at else NOW,
            **(kwargs.get("initial") or {}),
        }
        super().__init__(*args, **kwargs)
        if isinstance(time := self.fields.get("send_at"), ZonedTimeField):
            time.show_in(zone_of(campaign), campaign.send_at)
            self.initial["send_at"] = time.shown_as_typed
        chosen_from = rows_of(campaign.account)
        read = cache(partial(read_choices, chosen_from))
        for name, rows in chosen_from.items():
            if name in self.fields:
                field: Any = self.fields[name]
                field.queryset = rows
                # Otherwise each field would read its rows with a separate statement.
                field.choices = partial(_choices_of, read, name)
        for name in PARTS:
            if name in self.fields:
                # The form for a new sender, list or segment would ask for the account again.
                self.fields[name].widget.can_add_related = False
        if "html_content" in self.fields:
            self.fields["html_content"].help_text = (
                "[%first_name | friend%] is replaced with a field of the contact, or with the text after the bar. "
                "[unsubscribe] is replaced with the unsubscribe link. Handlebars such as {{#if city}} can be used."
            )

    def clean_custom_unsubscribe_url(self) -> str:
        url: str = self.cleaned_data["custom_unsubscribe_url"]
        if url and not is_url(url):
            raise forms.ValidationError(f"Enter {URL_RULE}.")
        return url

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().clean()
        if fields.get("scheduling") == NOW:
            fields["send_at"] = None
        elif "send_at" in fields:
            if fields["send_at"] is None:
                self.add_error("send_at", "Enter a time.")
            elif fields["send_at"] <= database_now():
                self.add_error("send_at", "This time has passed.")
        return fields

    def changes(self) -> dict[str, Any]:
        """Return the changed fields in the form that the core takes."""
        changed = set(self.changed_data)
        changed |= {"send_at"} if "scheduling" in changed else set()
        changed |= {"window"} if changed & set(WINDOW) else set()
        fields = self.cleaned_data
        names = changed - {"scheduling", *WINDOW}
        changes = {name: fields[name] for name in names}
        if changes.get("is_local_time"):
            changes["time_zone"] = self.instance.account.time_zone
        changes |= {name: fields[name] and fields[name].pk for name in names.intersection(PARTS)}
        changes |= {name: [row.pk for row in fields[name]] for name in names.intersection(SEVERAL)}
        return changes
