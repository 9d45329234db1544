"""How the fund's objects look to policies."""

from typing import Any

from answerable.authority.engine import describes
from answerable.fund.models import Contribution, Payment


@describes(Contribution)
def _contribution(c: Contribution) -> tuple[str, dict[str, Any]]:
    return "Contribution", {"donor": c.donor_state.code if c.donor_state else ""}


@describes(Payment)
def _payment(p: Payment) -> tuple[str, dict[str, Any]]:
    return "Payment", {
        "initiatedBy": p.initiated_by.ref,
        "approvedFirstBy": p.approved_first_by.ref if p.approved_first_by else "",
        "approvedSecondBy": p.approved_second_by.ref if p.approved_second_by else "",
    }
