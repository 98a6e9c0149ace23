"""Waves of 500 messages to mail servers that others wrote: nothing is lost, and a pause is exact."""

from __future__ import annotations

import time

import pytest

from stack.say import say
from tests.mta.waves import MESSAGES, Site

pytestmark = [pytest.mark.mta, pytest.mark.xdist_group("mta")]
WATCHED_SECONDS = 1.0


def test_500_of_500_arrive_though_the_server_is_stopped_and_killed_in_mid_wave(site: Site) -> None:
    wave = site.start_wave("restart")
    wave.wait_for(100)
    site.server.stop()
    stopped_at = wave.taken()
    site.server.start()
    wave.wait_for(stopped_at + 100)
    site.server.kill()
    killed_at = wave.taken()
    site.server.start()
    wave.wait_for_end()

    doubtful, first_copies = wave.doubtful(), wave.arrived()
    counts = wave.counts()
    assert counts == {"sent": MESSAGES - len(doubtful), **({"in_doubt": len(doubtful)} if doubtful else {})}
    assert wave.recipients - doubtful <= first_copies.keys()
    assert max(first_copies.values()) == 1

    wave.replay_doubtful()
    wave.wait_until(lambda: wave.counts() == {"sent": MESSAGES}, "the messages in doubt to be sent again")
    copies = wave.arrived()
    doubled = {recipient for recipient, count in copies.items() if count > 1}
    report(site, stopped_at=stopped_at, killed_at=killed_at, in_doubt=len(doubtful), doubled=len(doubled))
    assert copies.keys() == wave.recipients
    assert doubled <= doubtful
    assert max(copies.values()) <= 2


def test_a_pause_in_mid_delivery_is_exact(site: Site) -> None:
    wave = site.start_wave("pause")
    wave.wait_for(50)
    answer = site.ask("POST", "/v3/user/scheduled_sends", {"batch_id": wave.batch_id, "status": "pause"})
    taken = wave.taken()
    # That nothing happens cannot be waited for: the server is watched for as long as many slices take.
    time.sleep(WATCHED_SECONDS)
    later = wave.taken()
    report(site, pause_sent=answer.headers["x-sluice-sent"], at_the_answer=taken, a_second_later=later)
    assert answer.headers["x-sluice-settled"] == "true"
    assert int(answer.headers["x-sluice-sent"]) == taken == later < MESSAGES

    site.ask("DELETE", f"/v3/user/scheduled_sends/{wave.batch_id}")
    wave.wait_for_end()
    assert wave.counts() == {"sent": MESSAGES}
    assert wave.arrived() == dict.fromkeys(wave.recipients, 1)


def report(site: Site, **figures: object) -> None:
    """Print a line of figures, which pytest shows with `-rP` or `-s`."""
    say(f"{site.server.name}: " + ", ".join(f"{name.replace('_', ' ')} {figure}" for name, figure in figures.items()))
