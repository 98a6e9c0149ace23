"""Find Chromium for the tests in a browser and for the screenshots: this machine's, or Debian's package unpacked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stack import ROOT
from stack.downloads import Unavailable, provide, unpack_debian

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / ".state" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FONTS = "fonts-liberation"
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage"]
"""Containers have neither the namespaces for the sandbox nor much shared memory. Only pages of Sluice are opened."""


@dataclass(frozen=True)
class Chromium:
    """A program, and the folder of shared libraries that it needs in addition to those of the system."""

    program: Path
    libraries: tuple[Path, ...] = ()


def find_chromium() -> Chromium:
    """Return the Chromium of this machine, or unpack Debian's package at its first use.

    Raises Unavailable.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return Chromium(Path(path))
    folder = provide("chromium", lambda fresh: unpack_debian(fresh, "chromium", FONTS), below=FOLDER)
    libraries = sorted({path.parent for path in folder.glob("usr/lib/**/*.so*")})
    return Chromium(folder / "usr" / "lib" / "chromium" / "chromium", tuple(libraries))


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window. Raises Unavailable."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise Unavailable("the package playwright is not installed") from error
    chromium = find_chromium()
    environment: dict[str, str | float | bool] = {**os.environ}
    if chromium.libraries:
        environment["LD_LIBRARY_PATH"] = ":".join(map(str, chromium.libraries))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.program, args=OPTIONS, env=environment)
        yield browser
        browser.close()
