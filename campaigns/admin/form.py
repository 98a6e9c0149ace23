"""The form of a campaign: content, audience, and the Scheduling choice. It says what changes; the core changes it."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from audience.models import ContactList, Segment
from batches.admin.asking import TimeField
from batches.admin.refusing import RefusableForm
from campaigns.admin.pace import PaceFields, clean_time_zone, pace_as_written
from campaigns.models import Campaign, Sender
from campaigns.readiness import UNSUBSCRIBE_TAGS
from foundation.admin import ChoosingForm
from foundation.clock import database_now
from mailer.models import UnsubscribeGroup

NOW, AT = "now", "at"
PARTS = ("sender", "suppression_group")
SEVERAL = ("lists", "segments")
WINDOW = ("window_weekdays", "window_from", "window_to", "window_time_zone")


class NewCampaignForm(RefusableForm, ChoosingForm[Campaign]):
    """Whose it is, and its name: what can be chosen for it depends on the account."""

    class Meta:
        model = Campaign
        fields = ("account", "title")

    def changes(self) -> dict[str, Any]:
        return {"title": self.cleaned_data["title"]}


class CampaignForm(RefusableForm, PaceFields, ChoosingForm[Campaign]):
    """All that may be said of a draft."""

    categories = SimpleArrayField(
        forms.CharField(max_length=255),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="With commas between them.",
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
        help_text="When it leaves once Send Campaign is confirmed.",
    )
    send_at = TimeField(label="Time (UTC)", required=False)

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
            "time_zone",
            "rate_per_minute",
            "spread_seconds",
        )
        labels: ClassVar = {
            "html_content": "HTML content",
            "generates_plain": "Plain text from HTML",
            "is_to_all": "To everybody",
            "suppression_group": "Unsubscribe group",
            "custom_unsubscribe_url": "Or a link of its own",
            "undo_seconds": "Undo window (seconds)",
            "is_local_time": "Local time",
        }
        help_texts: ClassVar = {
            "custom_unsubscribe_url": "Where its unsubscribe link leads, if not to a page of ours.",
            "time_zone": "Whose wall clock the time means, with local time.",
        }
        widgets: ClassVar = {
            "subject": UnfoldAdminTextInputWidget,
            "custom_unsubscribe_url": UnfoldAdminTextInputWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        campaign: Campaign = kwargs["instance"]
        planned = campaign.send_at and f"{campaign.send_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M}"
        kwargs["initial"] = {
            **pace_as_written(campaign),
            "scheduling": AT if planned else NOW,
            "send_at": planned,
            **(kwargs.get("initial") or {}),
        }
        super().__init__(*args, **kwargs)
        own = {"account": campaign.account}
        choices: dict[str, Any] = {
            "sender": Sender.objects.filter(**own),
            "lists": ContactList.objects.filter(**own, deleted_at=None),
            "segments": Segment.objects.filter(**own),
            "suppression_group": UnsubscribeGroup.objects.filter(**own, deleted_at=None),
        }
        for name, rows in choices.items():
            if name in self.fields:
                self.fields[name].queryset = rows.order_by("pk")  # type: ignore[attr-defined]
        for name in PARTS:
            if name in self.fields:
                # It would be asked whose it is, again.
                self.fields[name].widget.can_add_related = False
        if "html_content" in self.fields:
            self.fields["html_content"].help_text = (
                "[%first_name | friend%] stands for what is known of a contact, or else for what is behind the line. "
                f"{UNSUBSCRIBE_TAGS[0]} stands for the unsubscribe link."
            )

    def clean_time_zone(self) -> str:
        return clean_time_zone(self.cleaned_data["time_zone"])

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean()
        if said.get("scheduling") == NOW:
            said["send_at"] = None
        elif "send_at" in said:
            if said["send_at"] is None:
                self.add_error("send_at", "When shall it leave?")
            elif said["send_at"] <= database_now():
                self.add_error("send_at", "This time has passed.")
        return said

    def changes(self) -> dict[str, Any]:
        """What was changed, as the core takes it."""
        changed = set(self.changed_data)
        changed |= {"send_at"} if "scheduling" in changed else set()
        changed |= {"window"} if changed & set(WINDOW) else set()
        said = self.cleaned_data
        names = changed - {"scheduling", *WINDOW}
        changes = {name: said[name] for name in names}
        changes |= {name: said[name] and said[name].pk for name in names.intersection(PARTS)}
        changes |= {name: [row.pk for row in said[name]] for name in names.intersection(SEVERAL)}
        return changes
