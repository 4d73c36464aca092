"""The bell: who listens hears, who stopped does not."""

from __future__ import annotations

from mlops.database.bell import Bell


def test_all_who_listen_to_a_topic_hear_its_messages() -> None:
    """Other topics are not heard."""
    bell, first, second = Bell(), [], []
    bell.listen("jobs", first.append)
    bell.listen("jobs", second.append)
    bell.ring("jobs", 1)
    bell.ring("others", 2)
    assert first == second == [1]


def test_who_stops_while_it_rings_disturbs_nobody() -> None:
    """A listener may end its own listening; stopping twice is harmless."""
    bell, heard = Bell(), []
    stops = []

    def once(message: object) -> None:
        heard.append(message)
        stops[0]()

    stops.append(bell.listen("jobs", once))
    bell.listen("jobs", heard.append)
    bell.ring("jobs", "a")
    bell.ring("jobs", "b")
    stops[0]()
    assert heard == ["a", "a", "b"]
