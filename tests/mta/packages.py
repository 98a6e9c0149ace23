"""Unpack the programs of the mail servers below `.state/mta` at their first use, and keep them there.

Debian's packages are unpacked and not installed: postfix and exim4 exclude each other, and neither is to become the
mail server of this machine.
"""

from __future__ import annotations

from pathlib import Path

from stack import ROOT
from stack.downloads import install_from_npm, provide, unpack_debian

FOLDER = ROOT / ".state" / "mta"
HARAKA = "3.3.4"
NSS_WRAPPER = "libnss-wrapper"
"""Lets a server find its users without an entry in /etc/passwd."""


def postfix_packages() -> Path:
    """Return the folder in which Debian's postfix is unpacked.

    Raises Unavailable.
    """
    return provide("postfix", lambda folder: unpack_debian(folder, "postfix", NSS_WRAPPER), below=FOLDER)


def exim_packages() -> Path:
    """Return the folder in which Debian's exim4 is unpacked.

    Raises Unavailable.
    """
    return provide("exim4", lambda folder: unpack_debian(folder, "exim4-daemon-light", NSS_WRAPPER), below=FOLDER)


def haraka_packages() -> Path:
    """Return the folder in whose `node_modules` Haraka is installed.

    Raises Unavailable.
    """
    return provide(f"haraka-{HARAKA}", lambda folder: install_from_npm(folder, {"Haraka": HARAKA}), below=FOLDER)
