"""Define the base class of the core's errors. The `errors.py` of an API maps each `code` to a text and a status."""

from __future__ import annotations

from typing import ClassVar


class SluiceError(Exception):
    """A request cannot be done. `code` names the reason, and `field` the part of the request, if any."""

    code: ClassVar[str]

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        super().__init__(message or self.code.replace("_", " "))
        self.field = field


class UnfitCharacter(SluiceError):
    """A text of the request has a character that is not allowed; `field` is its path (`foundation/texts.py`)."""

    code = "unfit_character"
