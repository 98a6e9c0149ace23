"""Make moves of campaigns at one moment, each on another connection."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection

from campaigns.errors import CampaignConflict, TransitionInProgress

REFUSED = (CampaignConflict, TransitionInProgress)


def at_one_moment(*moves: Callable[[], object]) -> list[object]:
    """Make moves at one moment; return the result of each, or the error that refused it."""
    gate = threading.Barrier(len(moves))
    outcomes: list[object] = [None] * len(moves)

    def run(number: int) -> None:
        try:
            gate.wait(10)
            outcomes[number] = moves[number]()
        except REFUSED as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(moves))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return outcomes
