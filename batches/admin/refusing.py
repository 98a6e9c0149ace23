"""Save forms through the core, which may refuse a valid form: somebody else may have been faster."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from batches.admin.asking import tell_refusal
from foundation.admin import ModelAdmin
from foundation.errors import SluiceError

Row = TypeVar("Row", bound=Model)


class RefusableForm:
    """Show the core's refusal in a model form, beside its field if it names one."""

    refusal: SluiceError | None = None

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        if self.refusal is not None:
            field = self.refusal.field
            fields = self.fields  # type: ignore[attr-defined]
            self.add_error(field if field in fields else None, say(self.refusal))  # type: ignore[attr-defined]
        return cleaned

    def _post_clean(self) -> None:
        """Leave uniqueness to the core, which has a text and a lock for it."""
        self.instance.validate_constraints = lambda exclude=None: None  # type: ignore[attr-defined]
        super()._post_clean()  # type: ignore[misc]


class RefusableAdmin(ModelAdmin[Row]):
    """Show the form again when the core refuses, with the typed values and the reason.

    Nothing is changed then, because the page's transaction is rolled back.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except SluiceError as error:
            request.refusal = error  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Row | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return type(form.__name__, (form,), {"refusal": refusal}) if refusal else form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing: the core has saved the object with all that belongs to it."""


def say(error: SluiceError) -> str:
    """Return the sentence of this admin for the error."""
    reason = tell_refusal(error)
    return f"{reason[:1].upper()}{reason[1:]}."
