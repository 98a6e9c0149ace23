"""Inline the CSS of HTML for mail programs that read no style elements.

The work is done by another process (`content/inlining.py`), which may take a few seconds and some memory. HTML that
needs more, or on which the parser fails, is refused. HTML without style elements needs no work. The tags of templates
stay unchanged.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from content.errors import InvalidTemplate
from content.template_tags import HiddenTags

UNFIT: Final = "the CSS is malformed, too large or nested too deeply to be inlined"
PROGRAM: Final = Path(__file__).with_name("inlining.py")
SECONDS: Final = 5


def inline_css(html: str) -> str:
    """Return the HTML with the rules of its style elements in the `style` attributes of its elements.

    Raises InvalidTemplate if the CSS is malformed, if the work takes too long or too much memory, or if the result is
    too large.
    """
    if "<style" not in html.lower():
        return html
    tags = HiddenTags()
    # Isolated: neither the environment nor the current folder decides which modules the program imports.
    command = [sys.executable, "-I", str(PROGRAM), tags.prefix]
    source = tags.hide(html).encode()
    try:
        process = subprocess.run(command, input=source, capture_output=True, timeout=SECONDS, check=True)
    except subprocess.SubprocessError:
        raise InvalidTemplate(UNFIT, field="html_content") from None
    # A tag in the text became a comment, and one between attributes an attribute.
    word = rf"{tags.prefix}\d+x"
    return tags.show(re.sub(rf"<!--({word})-->|({word})=\"\"", r"\1\2", process.stdout.decode()))
