"""Who may see which thread: those who answer, in their own compartments. A state's delegation sees none."""

from django.db.models import QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.channel import lifecycle
from answerable.channel.models import Message, Thread


def threads(by: HasPrincipal) -> QuerySet[Thread]:
    """Threads of the person's own compartments."""
    if not authority.allows(by, "see_threads", Place("threads")):
        return Thread.objects.none()
    scopes = by.principal().compartments
    whole = [s for s in scopes if "/" not in s]
    found = Thread.objects.filter(compartment__in=sorted(scopes))
    for scope in whole:
        found = found | Thread.objects.filter(compartment__startswith=f"{scope}/")
    # Complaints are looked after elsewhere, by people who work on no case (SC-13).
    return found.exclude(kind=lifecycle.COMPLAINT)


def messages(by: HasPrincipal) -> QuerySet[Message]:
    """Messages of those threads."""
    return (
        Message.objects.filter(thread__in=threads(by))
        .exclude(kind__in=lifecycle.HERS_ALONE)
        .select_related("thread", "written_by")
    )
