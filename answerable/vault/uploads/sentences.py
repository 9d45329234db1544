"""What people are told about an upload. Sentences are kept with their figures apart, so that a page can translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from answerable.common.errors import Refused


def _(sentence: str) -> str:
    """Marks a sentence for translation and leaves it as it is: this library knows no language but English."""
    return sentence


class _Said(Refused):
    """A sentence with its figures. `str()` is the English one; `in_words` asks a translator first."""

    def __init__(self, sentence: str, *, reason: str, figures: Mapping[str, object] | None = None) -> None:
        self.sentence, self.figures = sentence, dict(figures or {})
        super().__init__(filled(sentence, self.figures), reason=reason)

    def in_words(self, gettext: Callable[[str], str]) -> str:
        """The sentence in the reader's language."""
        return filled(gettext(self.sentence), self.figures)


class UploadRefused(_Said):
    """The file was not taken, and nothing of it was kept."""


class CannotShow(_Said):
    """No safe copy can be shown. The sealed original is not touched by this."""


def filled(sentence: str, figures: Mapping[str, object]) -> str:
    """The sentence with its figures; a sentence without figures may hold a per cent sign."""
    return sentence % figures if figures else sentence
