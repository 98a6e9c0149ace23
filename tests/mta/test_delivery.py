"""Test waves of 500 messages to independent mail servers: no message is lost, and a pause is exact."""

from __future__ import annotations

import time

import pytest

from mailer.transports.smtp import SmtpAddress, visit
from tests.mta.conftest import ShowFigures
from tests.mta.greylisting import GreylistingPostfix
from tests.mta.servers import DOMAIN, url_of
from tests.mta.waves import MESSAGES, Site

pytestmark = pytest.mark.mta
INTERRUPTED_AT = 50
WATCHED_SECONDS = 1.0


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_500_of_500_arrive_though_the_server_is_restarted_in_mid_wave(
    site: Site, end: str, show_figures: ShowFigures
) -> None:
    wave = site.start_wave(end)
    wave.wait_for(INTERRUPTED_AT)
    getattr(site.server, end)()
    site.server.start()
    wave.wait_for_end()

    doubtful, counts, copies = wave.doubtful(), wave.counts(), wave.arrived()
    assert counts.get("in_doubt", 0) == len(doubtful)
    assert counts.get("sent", 0) + len(doubtful) == MESSAGES, counts
    assert wave.recipients - doubtful <= copies.keys()
    assert set(copies.values()) == {1}

    wave.replay(doubtful)
    wave.wait_until(lambda: wave.counts() == {"sent": MESSAGES}, "the messages in doubt to be sent again")
    arrived_of_doubtful, copies = len(doubtful & copies.keys()), wave.arrived()
    doubled = {recipient for recipient, count in copies.items() if count > 1}
    show_figures(
        f"{end} in mid-wave: {MESSAGES} accepted, {len(copies)} arrived, {len(doubtful)} were in doubt, "
        f"of which {arrived_of_doubtful} had arrived; sent again, {len(doubled)} were doubled"
    )
    assert copies.keys() == wave.recipients
    assert len(doubled) == arrived_of_doubtful
    assert doubled <= doubtful
    assert max(copies.values()) <= 2


def test_a_pause_in_mid_delivery_is_exact(site: Site, show_figures: ShowFigures) -> None:
    wave = site.start_wave("pause")
    wave.wait_for(INTERRUPTED_AT)
    answer = site.ask("POST", "/v3/user/scheduled_sends", {"batch_id": wave.batch_id, "status": "pause"})
    taken = wave.taken()
    # The absence of mail is no condition to wait for: the server is watched for the time of many slices.
    time.sleep(WATCHED_SECONDS)
    later = wave.taken()
    sent, settled = int(answer.headers["x-sluice-sent"]), answer.headers["x-sluice-settled"]
    show_figures(f"pause in mid-delivery: settled {settled}, {sent} sent, {taken} arrived, {later} a second later")
    assert settled == "true"
    assert sent == taken == later < MESSAGES

    site.ask("DELETE", f"/v3/user/scheduled_sends/{wave.batch_id}")
    wave.wait_for_end()
    assert wave.counts() == {"sent": MESSAGES}
    assert wave.arrived() == dict.fromkeys(wave.recipients, 1)


def test_the_doctor_finds_that_the_server_takes_mail(site: Site) -> None:
    address = SmtpAddress.parse(url_of(site.server.port))
    result = visit(address, sender="sluice@example.com", timeout_seconds=10)
    assert (result.failure, result.refusal) == ("", "")
    assert f" {site.server.name}.test " in result.greeting
    assert {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8"} <= result.offers.keys()


@pytest.mark.parametrize("site", [GreylistingPostfix], indirect=True, ids=["postfix"])
def test_60_recipients_of_a_message_get_one_copy_each_behind_a_greylist(site: Site) -> None:
    recipients = [f"grey-{number}@{DOMAIN}" for number in range(60)]
    wave = site.send([recipients])
    wave.wait_until(lambda: len(wave.arrived()) == 60, "a copy for each of the 60 recipients")
    wave.wait_for_end()
    assert wave.arrived() == dict.fromkeys(recipients, 1)
