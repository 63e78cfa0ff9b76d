"""Which hints were lost, and which are only late."""

from __future__ import annotations

import random

from console.consumers.versions import GRACE, MANY, Versions


def test_hints_in_order_miss_nothing() -> None:
    versions = Versions(5)
    for version in (6, 7, 8):
        versions.told(version, 0)
    versions.ahead(8, 0)
    assert not versions.waits()
    assert not versions.lost(100)


def test_a_beat_may_overtake_a_hint() -> None:
    versions = Versions(5)
    versions.ahead(7, 0)
    assert versions.waits()
    assert not versions.lost(GRACE / 2)
    versions.told(7, GRACE / 2)
    versions.told(6, GRACE / 2)
    assert not versions.waits()
    assert not versions.lost(100)


def test_a_lost_hint_is_noticed_once_though_others_came_after_it() -> None:
    versions = Versions(5)
    versions.told(6, 0)
    versions.told(8, 0)
    assert not versions.lost(0)
    assert versions.lost(GRACE)
    assert not versions.lost(GRACE)
    assert not versions.waits()


def test_old_news_changes_nothing() -> None:
    versions = Versions(5)
    versions.told(3, 0)
    versions.ahead(4, 0)
    assert versions.newest == 5
    assert not versions.waits()


def test_a_leap_is_given_up_at_once_and_costs_no_memory() -> None:
    versions = Versions(5)
    versions.ahead(5 + MANY * 1000, 0)
    assert versions.lost(0)
    versions.told(5 + MANY * 1000 + 1, 0)
    assert not versions.waits()


def test_any_order_and_any_loss() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        hints = list(range(1, 40))
        gone = set(chance.sample(hints, chance.randrange(4)))
        arriving = [version for version in hints if version not in gone]
        chance.shuffle(arriving)
        versions = Versions(0)
        for version in arriving:
            versions.told(version, chance.random() * GRACE / 2)
            if chance.random() < 0.2:
                versions.ahead(39, GRACE / 2)
        versions.ahead(39, GRACE / 2)
        assert versions.lost(2 * GRACE) == bool(gone), seed
