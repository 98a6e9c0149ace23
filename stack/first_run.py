"""Keep the results of a stack's first run: the secret key, an operator, and an account with an API key.

Later runs read them from `secrets.json` in the state folder, which only its owner can read. The logins belong to a
database, so they are stored under a hash of its URL: the same folder may be used with another database.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Manage = Callable[..., str]
"""`manage("command", "argument")` runs manage.py and returns its output."""


@dataclass(frozen=True)
class Logins:
    api_key: str
    admin_username: str
    admin_password: str


def secret_key(state: Path) -> str:
    """Return the secret key of the state folder, made once, since a new one would end every session."""
    secrets_file = read(state)
    if "secret_key" not in secrets_file:
        write(state, {**secrets_file, "secret_key": secrets.token_urlsafe(48)})
    return str(read(state)["secret_key"])


def logins(state: Path, database_url: str, manage: Manage) -> Logins:
    """Return the logins of this database, which are made if they are missing."""
    name = "logins " + hashlib.sha256(without_password(database_url).encode()).hexdigest()[:16]
    content = read(state)
    if name not in content:
        content[name] = json.loads(manage("first_run"))
        write(state, content)
    return Logins(**content[name])


def without_password(database_url: str) -> str:
    """Return the URL without its password: another password is not another database."""
    return re.sub(r"(?<=://)([^:@/]*):[^@/]*@", r"\1@", database_url)


def read(state: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((state / "secrets.json").read_text())
    except FileNotFoundError:
        return {}
    return content


def write(state: Path, content: Mapping[str, Any]) -> None:
    write_private(state / "secrets.json", content)


def write_private(path: Path, content: Mapping[str, Any] | str) -> None:
    """Write a file completely or not at all; other users can never read it, not even for a moment."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(content, handle, indent=2)
        handle.write("\n")
    draft.rename(path)
