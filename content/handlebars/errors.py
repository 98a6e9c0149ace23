"""Define the errors of templates.

TemplateError is for the author, when the template is compiled; RenderError is for the operator, when it is rendered.
"""

from __future__ import annotations


class TemplateError(ValueError):
    """Raised when a template cannot be compiled; `line` and `column` begin with 1."""

    def __init__(self, message: str, source: str, position: int, helper: str | None = None) -> None:
        self.message = message
        self.helper = helper
        self.line = source.count("\n", 0, position) + 1
        self.column = position - source.rfind("\n", 0, position)
        super().__init__(f"line {self.line}, column {self.column}: {message}")


class RenderError(ValueError):
    """Raised when a template cannot be rendered with the data of one recipient, or only beyond its limits."""
