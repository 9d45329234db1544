"""Who may see which thread: those who answer, in their own compartments. A state's delegation sees none."""

from django.db.models import Case, Exists, IntegerField, OuterRef, QuerySet, Value, When

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.channel import lifecycle
from answerable.channel.models import Message, Thread
from answerable.common.hooks import question


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


def urgent_first(found: QuerySet[Thread]) -> QuerySet[Thread]:
    """Threads with those first that are about something that cannot wait, within the present row scope.

    Each says whether it holds messages (`has_messages`): what she sent with a claim is on the claim.
    """
    refs = [ref for answer in question("urgent_now").ask(None) for ref in answer]
    urgent = Case(When(about_ref__in=refs, then=Value(0)), default=Value(1), output_field=IntegerField())
    held = Exists(Message.objects.filter(thread=OuterRef("pk")).exclude(kind="form"))
    return found.annotate(urgent=urgent, has_messages=held).order_by("urgent", "waiting_since", "opened_on", "ref")
