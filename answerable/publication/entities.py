"""Publication answers when something below becomes public."""

from answerable.common.hooks import question
from answerable.publication import releasing
from answerable.publication.models import Release
from answerable.vault.consent.rules import PUBLISHED

question("released").answer_with(releasing.release)
question("fund_statement").answer_with(releasing.last_fund_statement)


@question("state_of_use").answer_with
def _state_of_use(ref: str, purpose: str) -> set[str]:
    """Whether figures are public in which she may be counted: those are not changed, only the next release is."""
    return (
        {PUBLISHED}
        if purpose == "CP-STAT" and Release.objects.filter(kind__in=["finding", "figures"]).exists()
        else set()
    )
