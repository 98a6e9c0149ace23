"""Contacts are exported as files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from typing import Any

import pytest

from accounts.models import Account
from audience.errors import UnknownList, UnknownSegment
from audience.fields import create_field
from audience.jobs import exports
from audience.jobs.exports import FileFormat, begin_export, export_pages, parts_of, read_export
from audience.jobs.files import write_rejected
from audience.jobs.lifecycle import take_job
from audience.jobs.run import run_job
from audience.jobs.upserts import ContactValues, begin_upsert
from audience.lists import create_list, delete_list
from audience.models import Contact, ContactList, FieldType, Job, JobStatus
from audience.query.conditions import Column, Compare, Kind, Operator
from audience.segments import create_segment, delete_segment
from tests.audience.jobs.formulas import FORMULAS
from tests.audience.jobs.jobs_done import done, uploaded
from tests.examples import further

NAME = 'Ann "A", \n=é'


@pytest.fixture
def readers(alice: Account, charlie: Account) -> ContactList:
    """Create ten contacts of Alice and a list with five of them."""
    readers = create_list(alice, "readers")
    points = create_field(alice, "points", FieldType.NUMBER)
    fields = {"first_name": NAME, "alternate_emails": ["x@y.org"]}
    some = [ContactValues({"email": f"c{n}@example.com", **fields}, {points.pk: n}) for n in range(5)]
    done(begin_upsert(alice, some, list_ids=[readers.pk]))
    done(begin_upsert(alice, [ContactValues({"email": f"c{n}@example.com", "city": "Rome"}) for n in range(5, 10)]))
    done(begin_upsert(charlie, [ContactValues({"email": "his@example.com"})]))
    return readers


def files_of(job: Job) -> list[str]:
    return [gzip.decompress(b"".join(read_export(job, part))).decode() for part in parts_of(job)]


def csv_of(job: Job) -> list[dict[str, str]]:
    (text,) = files_of(job)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def numbers_of(job: Job) -> list[int]:
    return [int(row["email"][1:].partition("@")[0]) for row in csv_of(job)]


def test_all_contacts_are_exported_as_csv(alice: Account, readers: ContactList) -> None:
    job = done(begin_export(alice))
    assert (job.status, job.requested_count) == (JobStatus.COMPLETED, 10)
    rows = csv_of(job)
    assert [row["email"] for row in rows] == [f"c{n}@example.com" for n in range(10)]
    contact = Contact.objects.get(email="c3@example.com")
    assert rows[3] == {
        **dict.fromkeys(rows[3], ""),
        "email": "c3@example.com",
        "first_name": NAME,
        "alternate_emails": "x@y.org",
        "points": "3",
        "contact_id": str(contact.uuid),
        "created_at": contact.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "updated_at": contact.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@further
def test_contacts_are_exported_as_json(alice: Account, readers: ContactList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 3)
    (text,) = files_of(done(begin_export(alice, list_ids=[readers.pk], file_format=FileFormat.JSON)))
    contacts: list[dict[str, Any]] = json.loads(text)
    assert [contact["email"] for contact in contacts] == [f"c{n}@example.com" for n in range(5)]
    assert contacts[2]["first_name"] == NAME
    assert contacts[2]["alternate_emails"] == ["x@y.org"]
    assert contacts[2]["custom_fields"] == {"points": 2}
    assert contacts[2]["city"] is None


@further
def test_each_contact_of_lists_and_segments_is_exported_once(
    alice: Account, readers: ContactList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    email = Column("email", Kind.TEXT)
    low = create_segment(alice, "low", Compare(email, Operator.LT, "c3"), dialect="sgql", written="")
    high = create_segment(alice, "high", Compare(email, Operator.GT, "c7@"), dialect="sgql", written="")
    within = create_segment(
        alice, "within", Compare(email, Operator.GT, "c4"), dialect="sgql", written="", list_id=readers.pk
    )
    assert numbers_of(done(begin_export(alice, list_ids=[readers.pk]))) == [0, 1, 2, 3, 4]
    assert numbers_of(done(begin_export(alice, segment_ids=[low.pk, high.pk]))) == [0, 1, 2, 7, 8, 9]
    assert numbers_of(done(begin_export(alice, segment_ids=[within.pk]))) == [4]
    both = begin_export(alice, list_ids=[readers.pk], segment_ids=[low.pk, high.pk])
    assert numbers_of(done(both)) == [0, 1, 2, 3, 4, 7, 8, 9]


def test_an_export_continues_where_it_stopped(
    alice: Account, readers: ContactList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 3)
    job = begin_export(alice)
    run_job(job.pk, seconds=0)
    # Killed in the middle of a page.
    taken = take_job(job.pk)
    assert taken is not None
    next(export_pages(taken))
    Job.objects.update(leased_until=None)
    job.refresh_from_db()
    assert job.requested_count == 6
    assert parts_of(job) == []
    done(begin_upsert(alice, [ContactValues({"email": "later@example.com"})]))
    Contact.objects.filter(email="c7@example.com").delete()
    assert numbers_of(done(job)) == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert job.requested_count == 9


@further
def test_a_page_of_deleted_contacts_is_skipped(
    alice: Account, readers: ContactList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 5)
    choose = exports._choose

    def choose_and_delete(job: Job) -> list[int]:
        chosen = choose(job)
        if not job.cursor:
            Contact.objects.filter(pk__in=chosen).delete()
        return chosen

    monkeypatch.setattr(exports, "_choose", choose_and_delete)
    (text,) = files_of(done(begin_export(alice, file_format=FileFormat.JSON)))
    assert [contact["city"] for contact in json.loads(text)] == ["Rome"] * 5


@further
@pytest.mark.parametrize("file_format", FileFormat)
def test_a_file_is_split_where_it_grows_too_large(
    alice: Account, readers: ContactList, monkeypatch: pytest.MonkeyPatch, file_format: FileFormat
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    job = done(begin_export(alice, file_format=file_format, most_bytes=700))
    assert 1 < len(parts_of(job)) < 5
    texts = files_of(job)
    if file_format is FileFormat.JSON:
        rows = [row for text in texts for row in json.loads(text)]
    else:
        rows = [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert [row["email"] for row in rows] == [f"c{n}@example.com" for n in range(10)]


@pytest.mark.parametrize("file_format", FileFormat)
def test_an_export_without_contacts_is_a_file_too(alice: Account, file_format: FileFormat) -> None:
    job = done(begin_export(alice, file_format=file_format))
    (text,) = files_of(job)
    assert (job.status, job.requested_count) == (JobStatus.COMPLETED, 0)
    assert json.loads(text) == [] if file_format is FileFormat.JSON else text.startswith("email,")


@further
def test_lists_and_segments_have_to_exist(alice: Account, charlie: Account, readers: ContactList) -> None:
    condition = Compare(Column("email", Kind.TEXT), Operator.LT, "c3")
    segment = create_segment(alice, "some", condition, dialect="sgql", written="")
    with pytest.raises(UnknownList):
        begin_export(charlie, list_ids=[readers.pk])
    with pytest.raises(UnknownSegment):
        begin_export(charlie, segment_ids=[segment.pk])
    of_segment = begin_export(alice, segment_ids=[segment.pk])
    delete_segment(alice, segment.pk)
    assert (done(of_segment).status, of_segment.message) == (
        JobStatus.FAILED,
        "A segment was deleted before it was exported.",
    )
    of_list = begin_export(alice, list_ids=[readers.pk])
    delete_list(alice, readers.pk)
    assert (done(of_list).status, of_list.message) == (JobStatus.FAILED, "A list was deleted before it was exported.")
    assert parts_of(of_list) == []


@further
def test_an_export_can_be_imported(alice: Account, charlie: Account, readers: ContactList) -> None:
    (text,) = files_of(done(begin_export(alice)))
    header = next(csv.reader([text.splitlines()[0]]))
    columns = [name if name in {"email", "first_name", "city", "alternate_emails"} else None for name in header]
    job = done(uploaded(charlie, text.encode(), columns))
    assert (job.created_count, job.errored_count) == (10, 0)
    values = {"email": "c3@example.com"}
    fields = ("first_name", "city", "alternate_emails")
    ours, theirs = (Contact.objects.filter(account=a, **values).values(*fields).get() for a in (alice, charlie))
    assert ours == theirs


def test_no_cell_of_an_export_is_a_formula_and_an_import_restores_every_value(alice: Account, charlie: Account) -> None:
    draw = random.Random(7)
    alphabet = [*"'=+-@\t\r\n \"\\,;aé", "\uff1d", "\xa0", "\x85", "\u2028"]
    texts = {"".join(draw.choices(alphabet, k=draw.randint(1, 5))) for _ in range(300)} | {"'=1", "''=1", "-1", "' "}
    values = sorted(text for text in texts if text.strip())
    pets = {each: create_field(each, "pet", FieldType.TEXT).pk for each in (alice, charlie)}
    points = {each: create_field(each, "points", FieldType.NUMBER).pk for each in (alice, charlie)}
    inputs = [
        ContactValues({"email": f"+{n}@example.com", "first_name": value}, {pets[alice]: value, points[alice]: -n})
        for n, value in enumerate(values)
    ]
    assert done(begin_upsert(alice, inputs)).status == JobStatus.COMPLETED
    (text,) = files_of(done(begin_export(alice)))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(values) > 200
    for n, row in enumerate(rows):
        assert row["points"] == str(-n)
        assert not any(cell.startswith(FORMULAS) for name, cell in row.items() if name != "points")
    names = {"pet": pets[charlie], "points": points[charlie]}
    columns = [names.get(name, name if name in {"email", "first_name"} else None) for name in rows[0]]
    job = done(uploaded(charlie, text.encode(), columns))
    assert (job.created_count, job.errored_count) == (len(values), 0)
    for n, value in enumerate(values):
        theirs = Contact.objects.get(account=charlie, email=f"+{n}@example.com")
        assert (theirs.first_name, theirs.custom[str(pets[charlie])]) == (value.strip(), value)
        assert theirs.custom[str(points[charlie])] == -n


def test_no_cell_of_the_rejected_rows_is_a_formula(alice: Account) -> None:
    job = done(uploaded(alice, b"email\n=1+1\n'=1+1\nann@example.com\n\t@SUM(A1)\n"))
    rows = list(csv.reader(io.StringIO(b"".join(write_rejected(job)).decode(), newline="")))
    assert [row[2] for row in rows] == ["text", "'=1+1", "''=1+1", "'\t@SUM(A1)"]
