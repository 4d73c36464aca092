"""What is kept of users in memory."""

from __future__ import annotations

from mlops.ab_testing.live import Known
from mlops.ab_testing.stored import Exposure


def test_users_of_one_variant_share_what_is_known_of_them() -> None:
    """A hundred thousand users are not as many objects to be looked through by the garbage collector."""
    known = Known()
    for number in range(10):
        known.put(f"user_{number}", Exposure("control", 1), number % 2 == 0)
    assert len({id(known.get(f"user_{number}")) for number in range(10)}) == 2
    assert known.get("user_3") == (Exposure("control", 1), False)
