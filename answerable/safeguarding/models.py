"""Who helps, who was referred, how she may be reached, and what people complain about. Every word about her is sealed."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Body, Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.safeguarding import lifecycle, rules
from answerable.vault.models import SealedField


def provider_ref() -> str:
    return new_ref("PRV")


def referral_ref() -> str:
    return new_ref("REF")


def offer_ref() -> str:
    return new_ref("OFR")


def plan_ref() -> str:
    return new_ref("SCP")


def attempt_ref() -> str:
    return new_ref("CTA")


def incident_ref() -> str:
    return new_ref("SAF")


def grievance_ref() -> str:
    return new_ref("GRV")


def answer_ref() -> str:
    return new_ref("GRA")


def room(name: str, body: Body) -> str:
    """The compartment of what a body enters: an organ's own, or a partner's part of it."""
    return name if body.kind == Body.ORGAN else f"{name}/{body.ref}"


@declares(data_class="C0", owner="safeguarding", retention="permanent")
class Provider(models.Model):
    """Someone who gives help free of charge. Everything here is meant to be read by anyone."""

    ref = models.CharField(max_length=40, unique=True, default=provider_ref)
    name = models.CharField(max_length=160)
    needs = models.JSONField(default=list)
    country = models.CharField(max_length=60)
    area1 = models.CharField(max_length=40, blank=True, default="")
    languages = models.CharField(max_length=120, blank=True, default="")
    hours = models.CharField(max_length=120, blank=True, default="")
    who_for = models.CharField(max_length=160, blank=True, default="")
    reach = models.CharField(max_length=200)
    status = models.CharField(max_length=12, default=lifecycle.ENTERED)
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_on = models.DateField(null=True)

    class Meta:
        ordering = ["country", "area1", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("entered_by")),
                name="an_entry_of_the_directory_needs_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(status="LISTED") | Q(confirmed_by__isnull=False, confirmed_on__isnull=False),
                name="a_listed_provider_was_confirmed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def review_due_at(self) -> datetime | None:
        """When someone must make sure that this still holds."""
        return rules.review_due(self.confirmed_on) if self.confirmed_on else None


@declares(data_class="C1", owner="safeguarding", retention="claim-file")
class CareOffer(models.Model):
    """That care was offered before questions (SC-8): to whom belongs the reference, on which day, by whom."""

    ref = models.CharField(max_length=40, unique=True, default=offer_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=40, db_index=True)
    offered_on = models.DateField()
    offered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")


@declares(data_class="C2", owner="safeguarding", retention="vault-contact", shredded="REF")
class Referral(models.Model):
    """One need, one provider, her word at every step. The provider learns a designation and the need, no more.

    The two clocks tell when it happened, to the hour; they are taken out as soon as they have no more use.
    """

    ref = models.CharField(max_length=40, unique=True, default=referral_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=40, blank=True, default="", db_index=True)
    need = models.CharField(max_length=24)
    provider = models.ForeignKey(Provider, null=True, on_delete=models.PROTECT, related_name="referrals")
    status = models.CharField(max_length=12, default=lifecycle.OFFERED)
    purposes = models.JSONField(default=list)
    contact_too = models.BooleanField(default=False)
    pep_until = models.DateTimeField(null=True)
    contraception_until = models.DateTimeField(null=True)
    asked_on = models.DateField()
    offered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    note = SealedField()
    contact = SealedField()

    class Meta:
        ordering = ["pep_until", "contraception_until", "asked_on", "ref"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status__in=["ACCEPTED", "SENT", "TAKEN_UP", "DONE"]) | Q(provider__isnull=False),
                name="a_referral_she_accepted_names_its_provider",
            ),
            models.CheckConstraint(
                condition=Q(status__in=list(lifecycle.WAITING)) | Q(pep_until=None, contraception_until=None),
                name="clocks_of_care_are_kept_only_while_they_run",
            ),
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def urgent_until(self) -> datetime | None:
        """The next clock that runs, for the kind of need."""
        return (
            self.contraception_until if self.need == "CONTRACEPTION_120" else self.pep_until or self.contraception_until
        )


@declares(data_class="C2", owner="safeguarding", retention="vault-contact", shredded="SCP")
class SafeContactPlan(models.Model):
    """How she may be reached. Sealed twice: for those who reach her, and for the vault, which says yes or no for everyone
    else. Only what must be seen to stop in time lies open: whether the plan holds.
    """

    ref = models.CharField(max_length=40, unique=True, default=plan_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=40)
    status = models.CharField(max_length=12, default=lifecycle.LIVE)
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    made_on = models.DateField()
    stopped_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    plan = SealedField()
    for_vault = SealedField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=~Q(status="REPLACED"), name="one_safe_contact_plan_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C2", owner="safeguarding", retention="vault-contact", shredded="CTA")
class ContactAttempt(models.Model):
    """One contact that was planned and what came of it, or one enquiry by someone else. Codes; the note is sealed."""

    ref = models.CharField(max_length=40, unique=True, default=attempt_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=40, db_index=True)
    status = models.CharField(max_length=12, default=lifecycle.PLANNED)
    sender = models.CharField(max_length=40)
    via = models.CharField(max_length=24)
    planned_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, blank=True, default="")
    answer = models.CharField(max_length=24, blank=True, default="")
    cover_said = models.BooleanField(default=False)
    next_step = models.CharField(max_length=24, blank=True, default="")
    planned_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    note = SealedField()

    class Meta:
        ordering = ["-planned_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="ENQUIRY") | Q(answer="NO_INFORMATION"),
                name="an_enquiry_is_answered_with_no_information",
            )
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C2", owner="safeguarding", retention="audit-log")
class SafetyIncident(models.Model):
    """That something may be dangerous now, for those who protect. It names what it is about and never what was said."""

    IMMINENT_RISK, WRONG_PERSON, ASKED_TO_STOP = "IMMINENT_RISK", "WRONG_PERSON", "ASKED_TO_STOP"

    ref = models.CharField(max_length=40, unique=True, default=incident_ref)
    compartment = models.CharField(max_length=80, default="safety")
    subject = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=12, default=lifecycle.OPEN)
    due_at = models.DateTimeField()
    opened_on = models.DateField()
    looked_at_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["due_at", "ref"]

    def __str__(self) -> str:
        return self.ref


@declares(
    data_class="C2",
    owner="safeguarding",
    retention="claim-file",
    shredded="no: a complaint is never joined with her file (SC-13)",
)
class Grievance(models.Model):
    """A complaint or harm (A17). Nobody who works on cases, and nobody it names, has any way to it (SC-13)."""

    ref = models.CharField(max_length=40, unique=True, default=grievance_ref)
    compartment = models.CharField(max_length=80)
    sensitivity = models.CharField(max_length=12)
    about = models.JSONField(default=list)
    concerns = models.JSONField(default=list)
    thread = models.CharField(max_length=40, blank=True, default="")
    # The number that whoever made it holds: it shows that it was received, and says nothing to whoever finds it.
    receipt = models.CharField(max_length=10, blank=True, default="")
    immediate_risk = models.BooleanField(default=False)
    safeguarding_may_know = models.BooleanField(default=False)
    status = models.CharField(max_length=14, default=lifecycle.RECEIVED)
    received_at = models.DateTimeField()
    acknowledge_due_at = models.DateTimeField()
    answer_due_at = models.DateTimeField()
    happened = SealedField()
    may_be_told = SealedField()
    remedy = SealedField()

    class Meta:
        ordering = ["answer_due_at", "ref"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(sensitivity="SENSITIVE") | ~Q(compartment="grievances/general"),
                name="a_sensitive_complaint_lies_apart",
            ),
            models.UniqueConstraint(
                fields=["receipt"], condition=~Q(receipt=""), name="a_complaints_number_is_its_own"
            ),
        ]

    def __str__(self) -> str:
        return self.ref


@declares(
    data_class="C2",
    owner="safeguarding",
    retention="claim-file",
    shredded="no: a complaint is never joined with her file (SC-13)",
)
class GrievanceAnswer(models.Model):
    """What was answered to a complaint, sealed like it."""

    ref = models.CharField(max_length=40, unique=True, default=answer_ref)
    compartment = models.CharField(max_length=80)
    grievance = models.ForeignKey(Grievance, on_delete=models.PROTECT, related_name="answers")
    answered_at = models.DateTimeField()
    answered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    text = SealedField()

    class Meta:
        ordering = ["answered_at"]

    def __str__(self) -> str:
        return self.ref
