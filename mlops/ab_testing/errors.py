"""What can go wrong with A/B tests.

InvalidInput
├── InvalidDesign            a test that could not answer its question; `reasons` lists why
└── InteractionRefused       an interaction or an outcome that cannot be true of its test
NotFound
├── ABTestNotFound           no test has this id
└── VariantNotFound          the test has no such variant
Conflict
├── ABTestExists             the id is taken
├── ABTestMoveRefused        the state machine does not allow this change of status
├── ABTestNotRunning         the test takes no interactions now
├── VariantMismatch          the interaction names another variant than the one assigned
└── InteractionConflict      the id belongs to another interaction
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlops.errors import Conflict, InvalidInput, NotFound

__all__ = [
    "ABTestExists",
    "ABTestMoveRefused",
    "ABTestNotFound",
    "ABTestNotRunning",
    "InteractionConflict",
    "InteractionRefused",
    "InvalidDesign",
    "VariantMismatch",
    "VariantNotFound",
]


class InvalidDesign(InvalidInput):
    """The design of a test cannot answer its question.

    Attributes:
        reasons: One sentence for each fault: what is wrong, what is allowed, what to do.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("The test cannot be created: " + " ".join(self.reasons))


class InteractionRefused(InvalidInput):
    """An interaction or an outcome cannot be true of its test; nothing of it was stored.

    Attributes:
        interaction_id: The interaction.
        reason: What is wrong with it, and what to do.
    """

    def __init__(self, interaction_id: str, reason: str) -> None:
        self.interaction_id = interaction_id
        self.reason = reason
        super().__init__(f"Interaction {interaction_id!r} was refused: {reason}")


class ABTestNotFound(NotFound):
    """No test has this id; `near` holds similar ids and names."""

    kind = "test"

    def __init__(self, test_id: str, *, known: Iterable[str] = ()) -> None:
        super().__init__(test_id, known=known, hint="list_tests() shows the ids.")


class VariantNotFound(NotFound):
    """The test has no such variant.

    Attributes:
        test_id: The test.
    """

    kind = "variant"

    def __init__(self, variant_id: str, *, test_id: str, known: Iterable[str]) -> None:
        self.test_id = test_id
        variants = list(known)
        super().__init__(variant_id, known=variants, hint=f"Test {test_id!r} has: {', '.join(variants)}.")


class ABTestExists(Conflict):
    """The id asked for belongs to another test.

    Attributes:
        test_id: The id.
    """

    def __init__(self, test_id: str) -> None:
        self.test_id = test_id
        super().__init__(f"Test {test_id!r} exists already. Leave test_id empty to be given a new one.")


class ABTestMoveRefused(Conflict):
    """The state machine does not allow a change of a test.

    Attributes:
        test_id: The test.
        present: Its status.
        action: What was asked for, such as `start`.
    """

    def __init__(self, test_id: str, *, present: str, action: str, allowed: Iterable[str]) -> None:
        self.test_id = test_id
        self.present = present
        self.action = action
        possible = ", ".join(allowed)
        rest = f"What it allows now: {possible}." if possible else "It is over and stays so."
        super().__init__(f"Test {test_id!r} is {present}, which does not allow {action}. {rest}")


class ABTestNotRunning(Conflict):
    """The test takes no interactions in its present state.

    Attributes:
        test_id: The test.
        present: Its status.
    """

    def __init__(self, test_id: str, present: str) -> None:
        self.test_id = test_id
        self.present = present
        remedy = {"planning": f"Start it: start_test({test_id!r}).", "paused": f"Resume it: resume_test({test_id!r})."}
        super().__init__(
            f"Test {test_id!r} is {present} and takes no interactions. "
            + remedy.get(present, "Its results stand; create another test.")
        )


class VariantMismatch(Conflict):
    """An interaction names another variant than the one that its user was assigned.

    Attributes:
        test_id: The test.
        user_id: The user.
        named: The variant that the interaction names.
        assigned: The user's variant; None where the user has none.
    """

    def __init__(self, test_id: str, user_id: str, *, named: str, assigned: str | None) -> None:
        self.test_id = test_id
        self.user_id = user_id
        self.named = named
        self.assigned = assigned
        has = f"is assigned {assigned!r}" if assigned else "was never assigned a variant"
        super().__init__(
            f"User {user_id!r} of test {test_id!r} {has}, so an interaction with {named!r} cannot be counted. "
            f"Log the variant that assign_variant({test_id!r}, {user_id!r}) returned; log nothing where that was None."
        )


class InteractionConflict(Conflict):
    """The id belongs to another interaction of the test, with another content.

    Attributes:
        test_id: The test.
        interaction_id: The id.
    """

    def __init__(self, test_id: str, interaction_id: str) -> None:
        self.test_id = test_id
        self.interaction_id = interaction_id
        super().__init__(
            f"Interaction {interaction_id!r} of test {test_id!r} was logged before with another content. "
            "Logging the same again is allowed; a new interaction needs a new id."
        )
