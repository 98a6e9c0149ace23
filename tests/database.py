"""Make the database of a test process: a clone of a template that the first process of a run has migrated.

The template also has a clock that tests can move, and a function that empties the tables. The server keeps it for the
next run. The name of the template is a digest of all migrations, so changed migrations make a new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.apps import apps
from django.conf import settings
from django.db import connection

PREFIX = "test_sluice_template_"
LOCK = 7_025_519
"""The number of the advisory lock under which a process makes the template or clones it."""
MANY = 1000
"""Messages after which truncating all tables is cheaper than deleting rows.

Deleting a few rows takes a tenth of the time of truncating, which makes files. Many deleted rows would slow down the
scans of the tests that follow.
"""
CLOCK = """
create table test_clock (shift interval not null, stopped_at timestamptz);
insert into test_clock values ('0');
create or replace function sluice_now() returns timestamptz language sql volatile
as 'select coalesce(stopped_at, clock_timestamp()) + shift from test_clock';
"""
EMPTY_TABLES = """
create function test_empty_tables() returns void language plpgsql as $$
begin
    if (select count(*) > {many} from (select from mailer_message limit {many} + 1) message) then
        truncate {tables} cascade;
    else
        {deletes}
    end if;
    update batches_installation set frozen_at = null, thawed_at = null
    where frozen_at is not null or thawed_at is not null;
    update test_clock set shift = '0', stopped_at = null where shift <> '0' or stopped_at is not null;
end $$;
"""


@contextmanager
def cloned_database() -> Iterator[None]:
    """Point Django at a new clone of the template, and drop the clone at the end."""
    name, template = settings.DATABASES["default"]["NAME"], template_name()
    clone = connection.creation._get_test_db_name()
    with connection._nodb_cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])
        cursor.execute("select datname from pg_database where starts_with(datname, %s)", [PREFIX])
        templates = {row[0] for row in cursor.fetchall()}
        if template not in templates:
            for old in templates:
                cursor.execute(f'drop database "{old}"')
            migrate_new_database(f"{template}_new")
            cursor.execute(f'alter database "{template}_new" rename to "{template}"')
        cursor.execute(f'drop database if exists "{clone}"')
        cursor.execute(f'create database "{clone}" template "{template}"')
    connect_to(clone)
    try:
        yield
    finally:
        connect_to(name)
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'drop database "{clone}"')


def template_name() -> str:
    """Return the name of the template, with a digest of all that is in it."""
    digest = hashlib.sha256(f"{django.VERSION} {Path(__file__).read_text()}".encode())
    for app in apps.get_app_configs():
        for file in sorted(Path(app.path, "migrations").glob("*.py")):
            digest.update(file.read_bytes())
    return PREFIX + digest.hexdigest()[:16]


def migrate_new_database(new: str) -> None:
    """Make a database with all tables, the clock of tests, and the function that empties the tables."""
    test = connection.settings_dict["TEST"]
    usual, test["NAME"] = test["NAME"], new
    before = settings.DATABASES["default"]["NAME"]
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        test["NAME"] = usual
    with connection.cursor() as cursor:
        tables = tables_to_empty()
        deletes = "\n        ".join(
            f"if exists (select from {each}) then delete from {each}; end if;" for each in tables
        )
        cursor.execute(CLOCK + EMPTY_TABLES.format(many=MANY, tables=", ".join(tables), deletes=deletes))
    connect_to(before)


def tables_to_empty() -> list[str]:
    """Return the tables of all models that are empty after the migrations: tests begin with the others' rows.

    The schedule is left alone, since beat adds rows to it that refer to each other.
    """
    models = apps.get_models(include_auto_created=True)
    names = {model._meta.db_table for model in models if model._meta.app_label != "django_celery_beat"}
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(f"select '{name}' where not exists (select from {name})" for name in names))
        return sorted(row[0] for row in cursor.fetchall())


def connect_to(name: str) -> None:
    """Make Django use a database of this name from now on."""
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def database_url() -> str:
    """Return the URL of the test database, for another process."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def empty_tables() -> None:
    """Delete all rows of tests, and set the clock right."""
    with connection.cursor() as cursor:
        cursor.execute("select test_empty_tables()")
