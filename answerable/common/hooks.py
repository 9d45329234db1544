"""Named questions a lower app asks and a higher app answers at start-up; the lower never names the answerer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# Every question there is, with what it asks. An unknown name is a mistake, not an empty answer.
QUESTIONS: dict[str, str] = {
    "findings_against_admission": "sentences: findings in force that bar a state from membership (state)",
    "live_consent": "False when no live consent covers reading obj for a purpose; None when not concerned (obj, purpose)",
    "locked_before": "takes the locks that come before the rows of these references, first in an act ([ref])",
    "consent_changed": "told inside the act that consents of a subject changed (ref, Change); a dict of what was put aside",
    "state_of_use": "what became of a subject's facts under a purpose, as states of §2.5 (ref, purpose)",
    "parts_of": "references whose keys go with a subject's when everything is withdrawn (ref)",
    "sealed_about": "references of what is sealed about any of these, whose keys go with theirs ([ref])",
    "kept_beside": "references of what is sealed about someone outside her file, whose openings she is told of (ref)",
    "holder_of": "the channel thread of the person behind a subject, or '' (ref)",
    "clear_details": "clear coarse details and ciphertext of a shredded object; again does no harm (ref)",
    "shred_keys": "in the vault process: destroy further keys of these references, as counts by kind ([ref])",
    "basis_withdrawn": "consent behind these references ended: re-test in silence what relies on them ([ref], purposes)",
    "report_changed": "told inside the act that a report's coded facts, items or consents changed, to look for others like it (ref)",
    "report_cleared": "told that a report's details were shredded, to clear what was drawn from them (ref)",
    "reliance_on_import": "sentences: what rests on further rows of an import (Import)",
    "import_undone": "takes further rows of an import out, inside the act (Import)",
    "retest_dependants": "what relies on a finding, each tested again: {ref, code, met, unmet} (finding ref)",
    "corrections_at_door": "where each correction of a file stands: {message ref: {words, due, url}} (by, about_ref)",
    "survivor_page": "sections of her own page: {title, lines, table, choices, undo; download: there alone} (about_ref)",
    "survivor_withdraws": "she withdraws purposes or EVERYTHING; the text of her receipt (about_ref, purposes, by)",
    "survivor_asks": "what she is told before she gives or withdraws: {act, purpose, label, lines}, or None (about_ref, act, purpose)",
    "survivor_gives": "she gives one purpose; the text of her receipt (about_ref, purpose, understood, by)",
    "urgent_now": "what cannot wait: {ref: {words, due, screened}} of these references, or of all in the row scope (refs or None)",
    "readers_at_door": "examples of what a submission at the door becomes, with the action that lists such things (kind)",
    "survivor_undoes": "she takes a withdrawal back; the text of her receipt (about_ref, withdrawal_ref, by)",
    "sealed_object": "the object with sealed fields that a reference names, within the present row scope, or None (ref)",
    "opened": "told inside the act that sealed fields of an object were opened; may raise Refused (obj, record entry, purpose, by)",
    "kept_in_quarantine": "which of these names of sealed files in quarantine belong to something (names)",
    "record_salt": "the salt of one record entry, from the keys (index, subject)",
    "record_salts": "salts of many entries in order, None where shredded ([(index, subject)])",
    "describe_ref": "Described(title, page, status) of a reference that this person may see, or None (by, ref)",
    "proves_themselves": "raises Refused unless this passphrase opens the key of who signs in so (handle, passphrase)",
    "role_given": "told inside the act who asks for or confirms a role, or lets someone return; may raise Refused (by, ref, person ref, role, step)",
    "access_changed": "told, after the commit, that what a person may do has changed (person ref)",
    "waits_for": "list of Waiting items for a person's home page (person)",
    "relied_upon": "sentences: who relies on a reference (ref)",
    "basis_changed": "told that `ref` changed, to re-test what relies on it (ref, by)",
    "prerequisites": "checks on a proposal, from the measures app (proposal)",
    "proposal_adopted": "makes the measure of an adopted proposal, inside the act (proposal, record entry)",
    "released": "puts a public version of something out, inside the act (kind, object, record entry)",
    "instalment_owed": "Money owed under an award line and instalment, or None (line ref, instalment)",
    "fund_statement": "the last public statement of the fund, {balances, on}, or None ()",
    "lines_to_pay": "rows of accepted award lines with instalments left, for finance ()",
    "payment_settled": "told that a payment of an award line settled (line ref)",
    "pattern_windows": "windows of verified patterns for PR-2 (situation)",
    "alert_confirmed": "told inside the act that a person confirmed an early-warning level (alert, record entry)",
    "search": "list of Found items for words within what a person may see (by, words)",
    "open_claims_in": "number of claims in a situation (situation ref)",
    "care_offered": "within an act that takes in a report or claim: notes that care came first, or sentences why not (ref, offered, by)",
    "may_contact": "whether something may reach her: False bars it; no plan bars all but her own door (ref, via, kind, at, by)",
    "leave_at_door": "leaves an answer in a conversation, inside the act; True when it lies there (thread ref, text, by)",
    "answer_waits": "whether an answer lies in a conversation that cannot be read there yet (thread ref)",
    "written_at_door": "what was written in a complaint's conversation, as objects with a sealed text (thread ref, by)",
    "files_at_door": "files sent in a complaint's conversation, as objects with a sealed name (thread ref, by)",
    "identity_bars": "sentences: why nobody's identity behind this object may be opened now (obj)",
    "notify_survivor": "a notice to herself over her own door, when she has one (subject ref, code, facts in words)",
    "object_cards": "links that other apps offer on an object's page: [{url, words}] (by, obj)",
    "situation_panels": "panels of a situation's page, each with who may see it (by, situation, filters)",
    "early_warning_level": "the early-warning level in force, {code, words, since}, or None (situation)",
    "finding_facts": "facts a measure's prerequisites need about findings (situation ref)",
    "lodge_from_channel": "lodges a claim or a report sent at the door; its reference, or None (kind, fields, by)",
    "answers_differ": "a kind sentence where this answer does not agree with another of the form, or '' (kind, name, answers)",
    "lodging_choices": "what can be lodged at the door: {field: [[value, words]]}, or None (kind, by, so_far)",
}


class Question:
    """One named question and those who answer it, in order of registration."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._answers: list[Callable[..., Any]] = []

    def answer_with(self, func: F) -> F:
        """Register an answer (usable as a decorator). Registering the same function twice counts once."""
        if func not in self._answers:
            self._answers.append(func)
        return func

    def is_answered(self) -> bool:
        """Whether any app here answers it."""
        return bool(self._answers)

    def ask(self, *args: Any, **kwargs: Any) -> list[Any]:
        """All answers."""
        return [func(*args, **kwargs) for func in self._answers]


_questions = {name: Question(name) for name in QUESTIONS}


def question(name: str) -> Question:
    """The question called `name`. Raises KeyError when there is none."""
    return _questions[name]
