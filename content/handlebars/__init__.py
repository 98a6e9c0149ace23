"""Render templates in the subset of Handlebars that SendGrid documents, as handlebars.js 4.7 renders them.

`compile_template` turns a source into a `Template`, which renders for many recipients. The source is parsed into a tree
(`lexer`, `parse`, `strip`, `tree`), from which Python functions are generated (`generate`, `runtime`). Values print and
compare as in JavaScript (`values`, `dates`), and every rendering is limited (`limits`).
"""

from content.handlebars.errors import RenderError, TemplateError
from content.handlebars.limits import DEFAULT, Limits
from content.handlebars.template import SimpleTag, Template, compile_template
from content.handlebars.values import escape

__all__ = ["DEFAULT", "Limits", "RenderError", "SimpleTag", "Template", "TemplateError", "compile_template", "escape"]
