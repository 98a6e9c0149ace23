"""Share the parts of the apps' admin pages: unfold's look with Django's types, and read-only pages.

State is never edited. Every admin page of it is a `ReadOnlyAdmin`, and its buttons call the functions that the APIs
call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib.admin import ShowFacets
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.paginator import InfinitePaginator

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown", bound=Callable[..., Any])

# Unfold's classes have no types. They are Django's classes with another look.
if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
else:
    from unfold.admin import ModelAdmin, TabularInline

__all__ = [
    "ChoosingForm",
    "ModelAdmin",
    "ReadOnlyAdmin",
    "TabularInline",
    "coloured",
    "draw_figure",
    "draw_label",
    "draw_link",
    "mark_numbers",
    "tell_time",
    "write_time",
]


SPANS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class ReadOnlyAdmin(ModelAdmin[Row]):
    """Show rows without editing them. Lists are not counted: they have links to the previous and the next page."""

    paginator = InfinitePaginator
    show_full_result_count = False
    sortable_by = ()
    list_per_page = 50
    # Facets would count every row under every filter.
    show_facets = ShowFacets.NEVER
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


class ChoosingForm(forms.ModelForm[Row]):
    """Choose related rows in a form, without links to delete or edit them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, RelatedFieldWidgetWrapper):
                field.widget.can_change_related = field.widget.can_delete_related = False


def coloured(variants: Mapping[str, str]) -> Callable[[Shown], Shown]:
    """Return a text as a label for a list's column, in unfold's variant for it (success, info, warning, danger)."""

    def mark(column: Shown) -> Shown:
        column.label = dict(variants)  # type: ignore[attr-defined]
        return column

    return mark


def draw_link(url: str, text: str) -> SafeString:
    """Return a link in the colours of unfold's own."""
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text)


def draw_label(text: str, variant: str = "", *, size: str = "") -> SafeString:
    """Return a text as a label in unfold's variant (success, info, warning, danger). `size` is empty or `md`."""
    before, after = _frame_label(variant, size)
    return format_html("{}{}{}", before, text, after)


@cache
def _frame_label(variant: str, size: str) -> tuple[SafeString, SafeString]:
    """Return the HTML before and after the text of a label. A page has hundreds of labels, in few variants."""
    mark = "@@"
    html = render_to_string("unfold/helpers/label.html", {"text": mark, "variant": variant, "size": size})
    before, _, after = html.partition(mark)
    return mark_safe(before.strip()), mark_safe(after.strip())


def draw_figure(key: str, figure: int | str, *, is_exact: bool = True) -> SafeString:
    """Return a figure that is marked with the key of what it shows. A number gets thousands separators.

    A check of all pages compares each figure with a count of the stored mail (`chaos/pages.py`). It also finds numbers
    that are not marked. A number that is not exact is a lower bound, and has no mark.
    """
    text = f"{figure:,}" if isinstance(figure, int) else figure
    if not is_exact:
        return format_html("{} or more", text)
    return format_html('<span data-figure="{}">{}</span>', key, text)


def mark_numbers(text: str, *keys: str) -> SafeString:
    """Return a sentence whose numbers are marked, in their order, with the keys of what they count."""
    return format_html('<span data-figures="{}">{}</span>', " ".join(keys), text)


def read_id(text: str) -> int:
    """Return an id from the address of a page, or 0, which no row has, if the text is not an id."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0


def write_time(moment: dt.datetime | None) -> str:
    """Return a time for a person who compares times: in UTC, to the second. Return an empty text for None."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}" if moment else ""


def tell_time(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how far away a time is, in the units that matter: `in 5 min`, `2 h 10 min ago`, `now`."""
    seconds = abs((moment - now).total_seconds())
    distance = " ".join(_spell(int(seconds)))
    if not distance:
        return "now"
    return f"in {distance}" if moment > now else f"{distance} ago"


def _spell(seconds: int) -> Iterator[str]:
    """Yield the largest unit that fits and, below days and hours, the next one."""
    for index, (size, unit) in enumerate(SPANS):
        count, seconds_left = divmod(seconds, size)
        if count:
            yield f"{count} {unit}"
            finer, finer_unit = SPANS[min(index + 1, 2)]
            if size > finer and seconds_left >= finer:
                yield f"{seconds_left // finer} {finer_unit}"
            return
