"""Refusals: what the rules do not allow, in a whole sentence to the person who asked."""


class Refused(Exception):
    """The rules do not allow it. The text says so to the person and what would help; `reason` is a short code."""

    def __init__(self, sentence: str, *, reason: str = "refused") -> None:
        super().__init__(sentence)
        self.reason = reason
