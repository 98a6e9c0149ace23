"""Share the parts of the editors of versions and designs: a form for source text, and the page with a preview."""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

from django import forms
from django.db.models import Model
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from batches.admin.refusing import RefusableAdmin, RefusableForm
from foundation.admin import ChoosingForm

Row = TypeVar("Row", bound=Model)

MADE_FROM_HTML: Final = {"generates_plain": "Make the plain text from the HTML"}
CODE_FONT: Final = "font-family: ui-monospace, monospace; font-size: .8125rem; line-height: 1.25rem; max-width: none"


def code_field(rows: int, label: str, help_text: str = "") -> forms.CharField:
    """Return a field for source text, which is kept exactly as it was typed."""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": rows, "style": CODE_FONT, "spellcheck": "false", "wrap": "off"})
    return forms.CharField(label=label, required=False, strip=False, widget=widget, help_text=help_text)


def unify_breaks(value: Any) -> Any:
    """Return a text with LF as its line breaks, since a browser sends CRLF. Other values are unchanged."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


class SourceForm(RefusableForm, ChoosingForm[Row]):
    """Edit a subject and the sources of two texts."""

    subject = forms.CharField(required=False, strip=False, widget=UnfoldAdminTextInputWidget)
    html_content = code_field(20, "HTML")
    plain_content = code_field(8, "Plain text", "It has no effect while it is made from the HTML.")

    names: ClassVar[tuple[str, ...]]
    """The fields that the core takes."""

    def changes(self) -> Any:
        """Return the fields that were changed, or all of a new row. A browser's line breaks are no change."""
        values = {name: unify_breaks(self.cleaned_data[name]) for name in self.names}
        if self.instance.pk is None:
            return values
        stored = {name: unify_breaks(self.get_initial_for_field(self.fields[name], name)) for name in self.names}
        return {name: value for name, value in values.items() if value != stored[name]}


class EditorAdmin(RefusableAdmin[Row]):
    """An admin whose page has a form and a preview beside it, for which the form needs the width."""

    warn_unsaved_form = True
    compressed_fields = False
