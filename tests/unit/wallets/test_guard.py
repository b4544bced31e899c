"""Not too many questions a second, and none while the operator is down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.clock import ManualClock
from wallets.guard import Breaker, Guard, TokenBucket
from wallets.port import NotNow


def test_a_bucket_lets_a_burst_through_and_then_a_steady_rate(clock: ManualClock) -> None:
    bucket = TokenBucket(clock, rate_per_s=2, burst=3)
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    clock.forward(timedelta(seconds=0.5))
    assert [bucket.take(), bucket.take()] == [0, 0.5]


def test_a_bucket_never_holds_more_than_its_burst(clock: ManualClock) -> None:
    bucket = TokenBucket(clock, rate_per_s=2, burst=3)
    clock.forward(timedelta(days=1))
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


def test_a_clock_that_is_set_back_costs_a_bucket_nothing(clock: ManualClock) -> None:
    bucket = TokenBucket(clock, rate_per_s=1, burst=2)
    bucket.take()
    clock.forward(timedelta(hours=-1))
    assert bucket.take() == 0
    assert bucket.take() == 1


def test_a_breaker_opens_after_failures_in_a_row_only(clock: ManualClock) -> None:
    breaker = Breaker(clock, failures=3, open_s=30)
    for failed in (True, True, False, True, True):
        (breaker.failed if failed else breaker.succeeded)()
    assert breaker.wait_s() == 0
    breaker.failed()
    assert breaker.wait_s() == 30


def test_one_probe_passes_and_closes_or_opens_again(clock: ManualClock) -> None:
    breaker = Breaker(clock, failures=1, open_s=30)
    breaker.failed()
    clock.forward(timedelta(seconds=29))
    assert breaker.wait_s() == 1
    clock.forward(timedelta(seconds=1))
    assert [breaker.wait_s(), breaker.wait_s()] == [0, 30]
    breaker.failed()
    clock.forward(timedelta(seconds=30))
    assert breaker.wait_s() == 0
    breaker.succeeded()
    assert [breaker.wait_s(), breaker.wait_s()] == [0, 0]


def test_a_probe_that_never_reports_back_does_not_block_for_ever(clock: ManualClock) -> None:
    breaker = Breaker(clock, failures=1, open_s=30)
    breaker.failed()
    clock.forward(timedelta(seconds=30))
    assert breaker.wait_s() == 0
    clock.forward(timedelta(seconds=30))
    assert breaker.wait_s() == 0


def test_a_guard_says_when_to_come_back(clock: ManualClock) -> None:
    guard = Guard(clock, rate_per_s=0.5, failures=1, open_s=10)
    guard.admit()
    with pytest.raises(NotNow) as too_many:
        guard.admit()
    assert too_many.value.after_s == 2
    guard.report(healthy=False)
    with pytest.raises(NotNow) as down:
        guard.admit()
    assert down.value.after_s == 10


def test_a_question_that_the_breaker_stops_takes_nothing_out_of_the_bucket(
    clock: ManualClock,
) -> None:
    guard = Guard(clock, rate_per_s=0.001, failures=1, open_s=10)
    guard.report(healthy=False)
    with pytest.raises(NotNow):
        guard.admit()
    clock.forward(timedelta(seconds=10))
    guard.admit()
