"""The root of the core's errors. A dialect's `errors.py` maps each `code` to its own words and status."""

from __future__ import annotations

from typing import ClassVar


class SluiceError(Exception):
    """Something a caller asked for cannot be done. `code` names the reason, `field` the part of the request, if any."""

    code: ClassVar[str]

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        super().__init__(message or self.code.replace("_", " "))
        self.field = field


class UnfitCharacter(SluiceError):
    """A text of the request holds a character that it may not hold; `field` is where (`foundation/texts.py`)."""

    code = "unfit_character"
