"""What a page is told of the past of several containers."""

from __future__ import annotations

from console.engine.address import Address
from console.engine.stats import Sample
from console.live.stats import MOST_RECENT, RECENT_EVERY, StatsFeeds, Watched, _Feed

WATCHED = Watched(1, "f" * 64, Address("unix:///nothing.sock"), "1.41")


def samples(number: int) -> list[Sample]:
    return [Sample(str(n), *[0] * 10) for n in range(number)]


def test_the_past_of_several_is_thinned_and_bounded() -> None:
    feeds, feed = StatsFeeds(), _Feed(WATCHED)
    assert feeds.recent(WATCHED) == []
    feeds._feeds[1, WATCHED.container_id] = feed
    feed.history.extend(samples(35))
    assert [sample.time for sample in feeds.recent(WATCHED)] == ["4", "14", "24", "34"]  # the newest is among them
    feed.history.extend(samples(3600))
    found = feeds.recent(WATCHED)
    assert (len(found), found[-1].time) == (MOST_RECENT, "3599")
    assert int(found[-1].time) - int(found[0].time) == (MOST_RECENT - 1) * RECENT_EVERY
