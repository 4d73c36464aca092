"""Assignment by hash: the same everywhere, in the designed shares, independent between tests."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.ab_testing.assignment import Allocation, place_of, ranked_first, stepped
from mlops.errors import InvalidInput

_VARIANTS = ("control", "treatment_1", "treatment_2")
_SHARES = {"control": 0.5, "treatment_1": 0.3, "treatment_2": 0.2}


def test_the_hash_is_that_of_the_document() -> None:
    """Other programs compute the same place: the first 64 bits of BLAKE2b-64 of salt, zero byte and unit."""
    digest = hashlib.blake2b(b"pepper\x00user_1", digest_size=8).digest()
    assert place_of("pepper", "user_1") == int.from_bytes(digest, "big")
    assert Allocation("pepper", {"control": 1.0}, ("control",)).choose("user_1") == "control"


@given(st.text(min_size=1, max_size=40))
def test_a_unit_always_gets_the_same_variant(unit: str) -> None:
    """Two allocations made of the same design agree on everybody."""
    one, other = (Allocation("pepper", _SHARES, _VARIANTS) for _ in range(2))
    assert one.choose(unit) == other.choose(unit)


def test_shares_come_out_as_designed() -> None:
    """Of 20,000 units each arm gets its share within four standard errors."""
    allocation = Allocation("pepper", _SHARES, _VARIANTS)
    got = [allocation.choose(f"user_{number}") for number in range(20_000)]
    for variant, share in _SHARES.items():
        assert abs(got.count(variant) / 20_000 - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_two_tests_assign_independently() -> None:
    """Who is in one test's control is in the other's with the usual probability."""
    half = {"control": 0.5, "treatment_1": 0.5}
    one, other = (Allocation(salt, half, _VARIANTS) for salt in ("a", "b"))
    users = [f"user_{number}" for number in range(10_000)]
    both = sum(one.choose(user) == other.choose(user) for user in users)
    assert abs(both / 10_000 - 0.5) < 0.02


@given(st.floats(0.01, 0.99), st.text(min_size=1, max_size=20))
def test_a_larger_share_of_control_only_takes_units_in(share: float, unit: str) -> None:
    """When control grows, everybody who was in control stays there: the cut moves, the places do not."""
    before = Allocation("pepper", {"control": share, "treatment_1": 1 - share}, _VARIANTS).choose(unit)
    grown = min(0.999, share + 0.05)
    after = Allocation("pepper", {"control": grown, "treatment_1": 1 - grown}, _VARIANTS).choose(unit)
    assert after == "control" or before == "treatment_1"


@pytest.mark.parametrize("shares", [{"control": 0.5, "treatment_1": 0.4}, {"control": 0.5, "other": 0.5}])
def test_shares_that_divide_nothing_are_refused(shares: dict[str, float]) -> None:
    """Shares sum to 1 and name variants of the test."""
    with pytest.raises(InvalidInput, match="traffic_allocation"):
        Allocation("pepper", shares, _VARIANTS)


def test_a_variant_without_a_share_gets_nobody() -> None:
    """A share of 0 is a variant that waits."""
    allocation = Allocation("pepper", {"control": 1.0, "treatment_1": 0.0}, _VARIANTS)
    assert {allocation.choose(str(number)) for number in range(200)} == {"control"}


def test_a_step_divides_its_share_as_the_design_does() -> None:
    """Treatments keep their proportions; control has the rest."""
    assert stepped({"control": 0.5, "treatment_1": 0.5}, 0.05) == {"control": 0.95, "treatment_1": 0.05}


@given(st.text(min_size=1, max_size=20), st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=6, unique=True))
def test_every_unit_has_one_order_of_preference(unit: str, salts: list[str]) -> None:
    """The ranks of the tests are 0, 1, 2 … for everybody, whoever computes them."""
    ranks = [ranked_first(unit, salt, [other for other in salts if other != salt]) for salt in salts]
    assert sorted(ranks) == list(range(len(salts)))
