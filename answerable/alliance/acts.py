"""Names of acts as the record keeps them, which the history of an office page says in the reader's language.

Those that delegations read stand in sentences.py. tests/test_languages.py finds an act that is in neither.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

ACTS = (
    _("accept award"), _("accept referral"), _("acknowledge grievance"), _("actors named"), _("adopt"), _("annul"), _("answer grievance"),
    _("answer identity"), _("answer time extended at her wish"), _("appeal grievance"), _("approve first"), _("approve identity"),
    _("approve second"), _("ask information"), _("award"), _("begin assessment"), _("begin cool off"), _("begin delivery"),
    _("begin verification"), _("break-glass reviewed"), _("bulletin asked for"), _("cancel contact"), _("cancel identity"),
    _("cancel payment"), _("cancel restore"), _("check completeness"), _("claim assessed"), _("claim awarded"), _("claim lodged"),
    _("close claim"), _("close grievance"), _("close identity"), _("close thread"), _("code for a new key made"), _("code made"),
    _("code replaced"), _("command ended"), _("commander noted"), _("commit"), _("comparison asked for"),
    _("comparison taken back"), _("compartment in escrow"), _("compartment opened"), _("compartment rotated"),
    _("complaint answered"), _("complaint received"), _("complaint: persons concerned named"), _("confirm alert"),
    _("confirm delivery"), _("confirm recovery"), _("confirm restore"), _("consent recorded"), _("consent withdrawn"),
    _("consents ended"), _("contact asked about"), _("contact logged"), _("contact planned"), _("contrary item weighed"),
    _("custodian answered"), _("custody statement exported"), _("declare adopted"), _("declare no quorum"), _("declare rejected"),
    _("decline"), _("decline alert"), _("decline referral"), _("default"), _("delist"), _("documenter's code issued"),
    _("door closed by its holder"), _("door opened at the office"), _("draft kept apart"), _("draft set aside"), _("draft taken as a later version"), _("drafts lapsed"),
    _("early-warning level withdrawn"),
    _("enquiry answered with no information"), _("enter into force"), _("escalate alert"), _("escrow key entered"),
    _("estimate asked for"), _("estimate worked on"), _("evidence checked"), _("evidence redacted"), _("evidence taken"), _("evidence transferred"),
    _("examine grievance"), _("expire identity"), _("fail"), _("fail job"), _("fail prerequisite"), _("fall due"), _("file left"), _("files found to be the same"),
    _("find alleged"), _("find credible"), _("find eligible"), _("find unsubstantiated"), _("find verified"), _("finish job"),
    _("finish referral"), _("forecast asked for"), _("forecast made"), _("give effect"), _("grant of a new key forgotten"),
    _("help asked for"), _("identity answer opened"), _("identity approved"), _("identity asked"), _("identity released"),
    _("identity request taken"), _("identity seat filled"), _("incident verified"), _("indicator ended"), _("indicator recorded"),
    _("interview asked for"), _("item added"), _("item assessed"), _("item regraded"), _("job failed"), _("keepers changed"),
    _("key enrolled"), _("key replaced"), _("keys of a delivery destroyed"), _("keys of lapsed drafts destroyed"),
    _("keys shredded"), _("lapse"), _("lift"), _("line of command noted"), _("lodge"), _("lodge kit report"), _("log contact"),
    _("look at safety"), _("lose sight"), _("make code"), _("merge"), _("message left"), _("note kept"), _("note late"),
    _("note not done"), _("notify"), _("offer referral"), _("open vote"), _("opt out"), _("patterns recomputed"), _("pledge"),
    _("proof kept"), _("propose refusal"), _("publish"), _("question taken"), _("reader admitted"), _("reader removed"),
    _("recall answered"), _("receive"), _("reconcile"), _("refer elsewhere"), _("referral offered"), _("refuse claim"),
    _("refuse identity"), _("refuse kit report"), _("register claim"), _("release"), _("release identity"), _("renew"),
    _("reopen"), _("reopen claim"), _("reopen thread"), _("replace plan"), _("reply left at the door"), _("report begun"),
    _("report corrected"), _("report received"), _("reports brought in"), _("reports compared"),
    _("reports filed from a delivery"), _("reports taken out again"), _("restore asked"), _("restore cancelled"),
    _("restore confirmed"), _("restore room"), _("resume job"), _("return payment"), _("review plan"), _("revoke referral"),
    _("room restored"), _("safe contact plan made"), _("safety looked at"), _("screen"), _("sealed field read"),
    _("sealed report received"), _("search asked for"), _("search begun"), _("search part done"), _("seat blocks taken"),
    _("seat handed over"), _("seat in escrow"), _("send referral"), _("service counts brought in"),
    _("service counts taken out"), _("sessions ended"),
    _("settle"), _("shredding begun"), _("sponsor"), _("step down alert"), _("stop job"), _("stop plan"), _("stop recovery"),
    _("submit"), _("supersede alert"), _("take up referral"), _("thread concerns"), _("thread opened"), _("time authority ended"),
    _("time authority entered"), _("transfer recorded"), _("triage"), _("use recovery"), _("vault founded"), _("vault locked"),
    _("vault signing key"), _("withdraw alert"), _("withdraw claim"), _("withdraw consent"), _("withdraw proposal"), _("withdrawal carried out"),
    _("withdrawal effect done"), _("withdrawal undone"),
    _("assess again"), _("award looked at again"), _("claim corrected"), _("correction declined"), _("keys kept by the vault"), _("statement put beside"),
)  # fmt: skip
