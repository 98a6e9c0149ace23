"""Contacts are imported from CSV files."""

from __future__ import annotations

import gzip
import io

import pytest
from django.conf import LazySettings

from accounts.models import Account
from audience.dates import NOT_A_NUMBER
from audience.errors import UnknownField, UnknownList, UnusableColumns
from audience.fields import create_field, delete_field
from audience.jobs import imports
from audience.jobs.csv_files import BAD_QUOTES, NOT_UTF8, NUL
from audience.jobs.exports import begin_export, parts_of, read_export
from audience.jobs.files import write_rejected
from audience.jobs.imports import COLUMNS, Column, begin_import
from audience.jobs.run import run_job
from audience.jobs.upserts import ContactValues, begin_upsert
from audience.lists import create_list, delete_list, find_list
from audience.models import Contact, FieldType, Job, JobChunk, JobStatus, Membership
from audience.queries import SHOWN
from audience.upsert import upsert_contacts
from tests.audience.jobs.jobs_done import counts, done, emails, rejected, uploaded
from tests.examples import few_by_default, further

PEOPLE = "e-mail,name,city\nAnn@Example.com,Ann,Rome\nbob@example.com,Bob,\n"


def test_each_row_becomes_a_contact_on_the_lists(alice: Account) -> None:
    readers, members = create_list(alice, "readers"), create_list(alice, "members")
    points = create_field(alice, "points", FieldType.NUMBER)
    file = b"Address,Points,Nothing,City\nAnn@Example.com,12.5,?,Rome\nbob@example.com,,?,\n"
    job = done(uploaded(alice, file, ["email", points.pk, None, "city"], list_ids=[readers.pk, members.pk]))
    assert (job.status, counts(job)) == (JobStatus.COMPLETED, (2, 2, 0, 0))
    ann, bob = Contact.objects.filter(account=alice).order_by("pk")
    assert (ann.email, ann.city, ann.custom) == ("ann@example.com", "Rome", {str(points.pk): 12.5})
    assert (bob.email, bob.city, bob.custom) == ("bob@example.com", "", {})
    assert find_list(alice, readers.pk).contact_count == find_list(alice, members.pk).contact_count == 2
    assert job.started_at is not None
    assert job.finished_at is not None


def test_an_empty_cell_keeps_the_stored_value(alice: Account) -> None:
    done(uploaded(alice, PEOPLE.encode(), ["email", "first_name", "city"]))
    job = done(
        uploaded(alice, b"a,b,c\nann@example.com,,Oslo\nbob@example.com,Bob,\n", ["email", "first_name", "city"])
    )
    assert counts(job) == (2, 0, 2, 0)
    ann = Contact.objects.get(email="ann@example.com")
    assert (ann.first_name, ann.city) == ("Ann", "Oslo")


FILES = {
    "mark": PEOPLE.encode("utf-8-sig"),
    "CR LF": PEOPLE.replace("\n", "\r\n").encode(),
    "CR": PEOPLE.replace("\n", "\r").encode(),
    "gzip": gzip.compress(PEOPLE.encode()),
    "two members": gzip.compress(PEOPLE[:30].encode()) + gzip.compress(PEOPLE[30:].encode()),
    "empty lines": b"\n\n" + PEOPLE.encode() + b"\n\n",
    "mixed line ends": PEOPLE.replace("Rome\n", "Rome\r\n").replace("city\n", "city\r").encode(),
    "semicolons": PEOPLE.replace(",", ";").encode(),
    "tabs with a mark": PEOPLE.replace(",", "\t").encode("utf-8-sig"),
    "vertical bars": PEOPLE.replace(",", "|").encode(),
    "UTF-16 LE": PEOPLE.encode("utf-16"),
    "UTF-16 LE with tabs": PEOPLE.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 BE": b"\xfe\xff" + PEOPLE.replace(",", ";").encode("utf-16-be"),
    "UTF-16 as gzip": gzip.compress(PEOPLE.replace(",", ";").encode("utf-16")),
    "mark in gzip": gzip.compress(PEOPLE.encode("utf-8-sig")),
    "sep=": ("sep=;\r\n" + PEOPLE.replace(",", ";")).encode("utf-8-sig"),
    "quoted sep= in UTF-16": ('"sep=\t"\r\n' + PEOPLE.replace(",", "\t")).encode("utf-16"),
    "rows of delimiters": b",,\n" + PEOPLE.encode() + b",,\n , ,\n,,,,\n",
    "short row": PEOPLE.replace("bob@example.com,Bob,", "bob@example.com,Bob").encode(),
    "long row": PEOPLE.replace("Rome", "Rome,, ,").encode(),
    "odd header": b'" e;mail ","na""me",\n' + PEOPLE.partition("\n")[2].encode(),
}


@further
def test_files_come_in_many_ways(database: None) -> None:
    for name, file in FILES.items():
        account = Account.objects.create(username=name)
        job = done(uploaded(account, file, ["email", "first_name", "city"]))
        assert (job.status, counts(job)) == (JobStatus.COMPLETED, (2, 2, 0, 0)), name
        people = Contact.objects.filter(account=account).order_by("pk").values_list("email", "first_name", "city")
        assert list(people) == [("ann@example.com", "Ann", "Rome"), ("bob@example.com", "Bob", "")], name


def test_a_file_with_a_header_only_is_done_at_once(alice: Account) -> None:
    for file in (b"email,name", b"email;name\r\n", b"\xef\xbb\xbfemail\tname\n\n", "email,name".encode("utf-16")):
        job = done(uploaded(alice, file, ["email", "first_name"]))
        assert (job.status, job.message, counts(job)) == (JobStatus.COMPLETED, "", (0, 0, 0, 0)), file


def test_numbers_that_may_be_dates_are_rejected_and_never_guessed(alice: Account) -> None:
    born = create_field(alice, "born", FieldType.DATE)
    dates = {
        "20240115": "2024-01-15T00:00:00Z",
        "1705276800": "2024-01-15T00:00:00Z",
        "01/15/2024": "2024-01-15T00:00:00Z",
        **dict.fromkeys(["2024", "45306", "202401", "0", "1705276800000", "20241301"]),
    }
    rows = [f"d{number}@example.com,{date}" for number, date in enumerate(dates)]
    job = done(uploaded(alice, "\n".join(["email,born", *rows]).encode(), ["email", born.pk]))
    assert counts(job) == (9, 3, 0, 6)
    stored = Contact.objects.filter(account=alice).order_by("pk").values_list("custom", flat=True)
    assert [custom[str(born.pk)] for custom in stored] == list(filter(None, dates.values()))
    assert {(number, text) for number, text, _ in rejected(job)} == {(n + 2, rows[n]) for n in range(3, 9)}
    assert {reason for _, _, reason in rejected(job)} == {f"born: {NOT_A_NUMBER}"}


def test_an_export_can_be_imported_again(alice: Account, charlie: Account) -> None:
    """The export has protected values, and a field whose name could belong to a file with another delimiter."""
    custom = {
        "email": "ann@example.com",
        "phone_number": "+49 30 1234",
        "first_name": '=A1;"x"',
        "last_name": "'-",
        "city": " Rome\t",
        "address_line_1": "1, Main St\n\n-",
        "alternate_emails": ["a@example.com", "b@example.com"],
    }
    done(begin_upsert(alice, [ContactValues(custom), ContactValues({"email": "bob@example.com"})]))
    job = done(begin_export(alice))
    (part,) = parts_of(job)
    columns = [name if name in COLUMNS else None for name in SHOWN]
    again = done(uploaded(charlie, b"".join(read_export(job, part)), columns))
    assert (again.status, counts(again)) == (JobStatus.COMPLETED, (2, 2, 0, 0))
    names = sorted(COLUMNS)
    theirs = [list(Contact.objects.filter(account=each).order_by("email").values(*names)) for each in (alice, charlie)]
    assert theirs[0] == theirs[1]
    assert theirs[0][0]["first_name"] == custom["first_name"]


def test_invalid_rows_are_reported_and_the_others_are_stored(alice: Account) -> None:
    file = (
        b"email,name\n"
        b"ann@example.com,Ann\n"
        b"nobody,Bob\n"
        b'cyd@example.com,"Cy"d\n'
        b"dan@example.com,Dan,more\n"
        b"\n"
        b"eve@example.com,\xff\n"
        b",Fay\n"
        b'"gus\n'
        b"hal@example.com,Hal\n"
    )
    job = done(uploaded(alice, file, ["email", "first_name"]))
    assert job.status == JobStatus.ERRORED
    assert counts(job) == (8, 2, 0, 6)
    assert emails(alice) == ["ann@example.com", "hal@example.com"]
    errors = {number: (text, reason) for number, text, reason in rejected(job)}
    assert errors[3] == ("nobody,Bob", "Invalid email.")
    assert errors[4] == ('cyd@example.com,"Cy"d', BAD_QUOTES)
    assert errors[5] == ("dan@example.com,Dan,more", "The row has 3 columns, and the header 2.")
    assert errors[7] == ("eve@example.com,\ufffd", NOT_UTF8)
    assert errors[8][0] == ",Fay"
    assert "required" in errors[8][1]
    assert errors[9] == ('"gus', BAD_QUOTES)
    file = b"".join(write_rejected(job)).decode()
    assert file.splitlines()[:2] == ["row,reason,text", '3,Invalid email.,"nobody,Bob"']
    assert len(file.splitlines()) == 7


def test_a_row_that_matches_two_contacts_is_rejected(alice: Account) -> None:
    done(uploaded(alice, b"e,x\na@example.com,1\nb@example.com,2\n", ["email", "external_id"]))
    job = done(uploaded(alice, b"e,x\na@example.com,2\nc@example.com,3\n", ["email", "external_id"]))
    assert counts(job) == (2, 1, 0, 1)
    assert rejected(job) == [(2, "a@example.com,2", "the external_id belongs to another contact")]


def test_a_file_without_a_valid_row_fails(alice: Account) -> None:
    job = done(uploaded(alice, b"email\nx\ny\n"))
    assert (job.status, job.message) == (JobStatus.FAILED, "All rows were rejected.")
    assert counts(job) == (2, 0, 0, 2)


UNREADABLE = {
    "nothing": (b"", "The file is empty."),
    "empty lines": (b"\r\n\r\n", "The file is empty."),
    "mark": (b"\xef\xbb\xbf", "The file is empty."),
    "sep=": (b"sep=;\r\n", "The file is empty."),
    "delimiters": (b"\xff\xfe,\0,\0\n\0", "The file is empty."),
    "UTF-16 without a mark": ("email,name\n".encode("utf-16-le"), f"The header cannot be read. {NUL}"),
    "Windows-1252": ("email,prénom\n".encode("cp1252"), "The header cannot be read. The row is not UTF-8."),
    "one column": (
        b"email\na@example.com;A\n",
        "The file has 1 columns, separated by commas, but 2 were expected.",
    ),
    "other delimiter": (
        b"sep=;\nemail,name\n",
        "The file has 1 columns, separated by semicolons, but 2 were expected.",
    ),
    "part of gzip": (gzip.compress(b"email,name\n")[:-4], "The gzip file ends too early."),
    "no gzip": (b"\x1f\x8b no gzip", "The gzip file is damaged."),
}


@further
def test_a_file_that_cannot_be_read_fails_with_the_reason(alice: Account) -> None:
    for name, (file, message) in UNREADABLE.items():
        job = done(uploaded(alice, file, ["email", "first_name"]))
        assert (job.status, job.message) == (JobStatus.FAILED, message), name
        assert emails(alice) == [], name


def test_rows_before_the_damage_of_a_file_are_stored(alice: Account) -> None:
    job = done(uploaded(alice, gzip.compress(b"email\na@example.com\n") + b"junk"))
    assert (job.status, job.message) == (JobStatus.FAILED, "The gzip file is damaged.")
    assert counts(job) == (1, 1, 0, 0)
    assert emails(alice) == ["a@example.com"]


def test_a_file_that_unpacks_to_too_much_fails(alice: Account, settings: LazySettings) -> None:
    settings.IMPORT_BYTES = 2**20
    job = done(uploaded(alice, gzip.compress(b"email\na@example.com\n" + b"x" * 2**21)))
    assert (job.status, job.message) == (JobStatus.FAILED, "The file unpacks to more than 1048576 bytes.")


def test_rows_beyond_the_limit_are_not_stored(alice: Account, settings: LazySettings) -> None:
    settings.IMPORT_ROWS = 2
    job = done(uploaded(alice, b"email\na@example.com\nb@example.com\nc@example.com\n"))
    assert (job.status, job.message) == (
        JobStatus.FAILED,
        "The file has more than 2 rows. The other rows were not processed.",
    )
    assert emails(alice) == ["a@example.com", "b@example.com"]
    assert done(uploaded(alice, b"email\na@example.com\nb@example.com\n")).status == JobStatus.COMPLETED


def test_a_list_that_is_deleted_meanwhile_fails_the_job(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PAGE_ROWS", 1)
    readers = create_list(alice, "readers")
    job = uploaded(alice, b"email\na@example.com\nb@example.com\n", list_ids=[readers.pk])
    run_job(job.pk, seconds=0)
    delete_list(alice, readers.pk)
    done(job)
    assert job.status == JobStatus.FAILED
    assert job.message == "A list that the contacts should be added to was deleted."
    assert emails(alice) == ["a@example.com"], "the page that failed stored nothing"
    assert counts(job) == (1, 1, 0, 0)


def test_a_custom_field_that_is_deleted_meanwhile_fails_the_job(alice: Account) -> None:
    points = create_field(alice, "points", FieldType.NUMBER)
    job = uploaded(alice, b"email,p\na@example.com,1\n", ["email", points.pk])
    delete_field(alice, points.pk)
    assert (done(job).status, job.message) == (JobStatus.FAILED, "A custom field of the file was deleted.")


def test_columns_have_to_make_a_contact(alice: Account, charlie: Account) -> None:
    his = create_field(charlie, "points", FieldType.NUMBER)
    not_a_contact: list[list[Column]] = [["first_name"], [None], [], ["email", "email"]]
    for columns in not_a_contact:
        with pytest.raises(UnusableColumns):
            begin_import(alice, columns)
    unknown: list[list[Column]] = [["email", "shoe_size"], ["email", his.pk], ["email", "custom"]]
    for columns in unknown:
        with pytest.raises(UnknownField):
            begin_import(alice, columns)
    with pytest.raises(UnknownList):
        begin_import(alice, ["email"], list_ids=[create_list(charlie, "his").pk])
    assert not Job.objects.exists()


def test_the_file_is_deleted_when_the_job_is_done(alice: Account) -> None:
    job = uploaded(alice, PEOPLE.encode(), ["email"])
    assert JobChunk.objects.filter(job=job).exists()
    done(job)
    assert not JobChunk.objects.exists()


class Killed(BaseException):
    """An exception that stands for SIGKILL: no code catches it, and none cleans up after it."""


KILLS: list[tuple[str, bool, tuple[bytes, str, str]]] = [
    ("before", False, (b"", "utf-8", ",")),
    ("after", False, (b"", "utf-8", ";")),
    ("before", True, (b"", "utf-8-sig", ",")),
    ("after", True, (b"\xfe\xff", "utf-16-be", "\t")),
    ("before", False, (b"\xff\xfe", "utf-16-le", ";")),
    ("after", False, (b"sep=^\n", "utf-8", "^")),
]
"""When a job is killed, whether its file is packed, and how the file begins, is encoded and separated."""


@pytest.mark.parametrize("kill", few_by_default(KILLS, KILLS[3]), ids=str)
def test_a_killed_import_continues_after_its_last_page(
    alice: Account, monkeypatch: pytest.MonkeyPatch, kill: tuple[str, bool, tuple[bytes, str, str]]
) -> None:
    """The job is killed once in each page, before or after its contacts are written."""
    when, is_packed, written = kill
    monkeypatch.setattr(imports, "PAGE_ROWS", 7)
    monkeypatch.setattr("audience.jobs.imports.CHUNK_BYTES", 64)
    monkeypatch.setattr("audience.jobs.files.CHUNK_BYTES", 64)
    readers = create_list(alice, "readers")
    head, encoding, delimiter = written
    rows = [f'c{n}@example.com{delimiter}"Nr\n{n}, é😀"' if n % 10 else f"broken{delimiter}" for n in range(50)]
    file = head + "\n".join([f"email{delimiter}name", *rows]).encode(encoding)
    job = uploaded(alice, gzip.compress(file) if is_packed else file, ["email", "first_name"], list_ids=[readers.pk])

    def upsert_and_die(*args: object, **options: object) -> object:
        nonlocal lives
        lives -= 1
        if not lives and when == "before":
            raise Killed
        stored = upsert_contacts(*args, **options)  # type: ignore[arg-type]
        if not lives:
            raise Killed
        return stored

    monkeypatch.setattr(imports, "upsert_contacts", upsert_and_die)
    lives = 0
    seen = [0]
    while True:
        lives = 2
        try:
            done(job)
            break
        except Killed:
            job.refresh_from_db()
            assert job.requested_count == sum(counts(job)[1:]), "no row is half counted"
            assert len(emails(alice)) == job.created_count == Membership.objects.count(), "nor half stored"
            assert job.requested_count > seen[-1]
            seen.append(job.requested_count)
            Job.objects.update(leased_until=None)  # its time has passed
    assert len(seen) > 6
    assert (job.status, counts(job)) == (JobStatus.ERRORED, (50, 45, 0, 5))
    assert [(number, text) for number, text, _ in rejected(job)] == [
        (number, f"broken{delimiter}") for number in (2, 12, 22, 32, 42)
    ]
    contacts = Contact.objects.filter(account=alice).order_by("pk")
    assert [contact.first_name for contact in contacts] == [f"Nr\n{n}, é😀" for n in range(50) if n % 10]
    assert find_list(alice, readers.pk).contact_count == 45


def test_pages_are_bounded_in_bytes_too(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PAGE_BYTES", 10_000)
    text = io.StringIO()
    text.write("email,nothing\n")
    for number in range(100):
        text.write(f"c{number}@example.com,{'x' * 1000}\n")
    job = uploaded(alice, text.getvalue().encode(), ["email"])
    run_job(job.pk, seconds=0)
    job.refresh_from_db()
    assert 5 < job.requested_count < 15
    assert done(job).status == JobStatus.COMPLETED
    assert job.requested_count == 100
