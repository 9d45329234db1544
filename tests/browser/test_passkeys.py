"""Passkeys in headless Chromium, with its virtual authenticator: register, sign in, open what is sealed, confirm.

The server asks for two authenticators, as production does.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser.driving import BROWSER, PASSPHRASE, axe, started

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

LOOK = os.environ.get("ANSWERABLE_LOOK")  # a folder for screenshots


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("two authenticators"), ANSWERABLE_TWO_AUTHENTICATORS="1")


def look(page, name):
    if LOOK:
        page.screenshot(path=str(Path(LOOK) / f"{name}.png"), full_page=True)


class Browser:
    """A browser of its own, with a virtual authenticator that knows PRF and verifies its user."""

    def __init__(self, chromium, office, *, prf=True):
        self.context = chromium.new_context()
        self.page = self.context.new_page()
        self.office, self.problems = office, []
        self.page.on("pageerror", lambda e: self.problems.append(str(e)))
        self.page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)
        self.cdp = self.context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable")
        self.key = self.plug(prf=prf)

    def plug(self, *, prf=True):
        return self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {
            "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "usb", "hasResidentKey": True,
            "hasUserVerification": True, "hasPrf": prf, "automaticPresenceSimulation": True, "isUserVerified": True,
        }})["authenticatorId"]  # fmt: skip

    def unplug(self, key):
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": key})

    def go(self, path):
        self.page.goto(self.office + path)

    def says(self):
        return self.page.locator("main").inner_text()

    def sign_in(self, handle):
        self.go("/sign-in/")
        self.page.fill("#id_handle", handle)
        self.page.fill("#id_passphrase", PASSPHRASE)
        self.page.keyboard.press("Enter")
        self.page.wait_for_load_state("networkidle")

    def add(self, name):
        self.go("/keys/")
        self.page.fill("#passkey-name", name)
        self.page.get_by_role("button", name="Add a passkey").click()
        self.page.wait_for_load_state("networkidle")

    def sign_out(self):
        self.page.get_by_role("button", name="Sign out").click()
        self.page.wait_for_url("**/sign-in/")

    def by_passkey(self):
        self.go("/sign-in/")
        self.page.get_by_role("button", name="Sign in with a passkey").click()
        self.page.wait_for_load_state("networkidle")


def test_a_passkey_is_asked_for_registered_signs_in_opens_and_is_ended(chromium, strict):
    b = Browser(chromium, strict["office"])
    b.sign_in("vera")
    assert b.page.url.endswith("/keys/") and "Until you add a passkey" in b.page.locator("header").inner_text()
    b.go("/watch/incidents/")
    assert b.page.url.endswith("/keys/"), "nothing else is open with one authenticator"
    assert axe(b.page) == []
    look(b.page, "keys-first")
    b.add("Blue key")
    assert "Blue key" in b.says() and "The passkey is added" in b.says()
    assert axe(b.page) == []
    look(b.page, "keys-one")
    assert b.page.get_by_label("End it: the passkey Blue key").count() == 0, "the last one cannot be ended"
    b.go("/watch/incidents/")
    assert b.page.url.endswith("/watch/incidents/")
    b.sign_out()

    look(b.page, "sign-in")
    assert axe(b.page) == []
    b.by_passkey()
    assert b.page.url.endswith("/today/"), b.says()
    b.go("/watch/incidents/")
    b.page.locator("main table a").first.click()
    b.page.get_by_role("button", name="What happened").click()
    b.page.wait_for_load_state("networkidle")
    assert "Sealed" in b.says() and "locked" not in b.says().lower()
    stored = b.page.evaluate("localStorage.length + sessionStorage.length")
    assert stored == 0

    first = b.key
    b.unplug(first)
    second = b.plug()
    b.add("Spare key")
    assert "Spare key" in b.says() and "Blue key" in b.says()
    look(b.page, "keys-two")
    assert axe(b.page) == []
    b.page.get_by_label("End it: the passkey Blue key").click()
    assert "every session of yours ends now" in b.page.locator("main").inner_text()
    b.page.get_by_role("button", name="End the passkey Blue key").click()
    b.page.wait_for_load_state("networkidle")
    assert b.page.url.endswith("/sign-in/") and "Sign in again" in b.says()
    b.by_passkey()
    assert b.page.url.endswith("/today/"), "the spare one goes on working"
    assert second and b.problems == []
    b.context.close()


def test_a_passkey_without_prf_is_refused_in_words_and_the_passphrase_goes_on_working(chromium, strict):
    b = Browser(chromium, strict["office"], prf=False)
    b.sign_in("lena")
    b.add("Old key")
    assert "cannot open keys" in b.says()
    look(b.page, "no-prf")
    b.go("/keys/")
    assert "None yet." in b.says()
    b.context.close()


def test_an_unknown_passkey_is_told_what_would_help_and_nothing_about_anyone(chromium, strict):
    b = Browser(chromium, strict["office"])
    b.go("/sign-in/")
    b.page.get_by_role("button", name="Sign in with a passkey").click()
    failed = b.page.locator("form[data-passkey] [data-failed]")
    failed.wait_for(state="visible", timeout=70_000)
    assert "Try again, or use your passphrase" in failed.inner_text()
    b.context.close()


def test_everything_works_without_script_by_passphrase(chromium, strict):
    plain = chromium.new_context(java_script_enabled=False).new_page()
    plain.goto(strict["office"] + "/sign-in/")
    assert not plain.locator("form[data-passkey]").is_visible()
    plain.fill("#id_handle", "ines")
    plain.fill("#id_passphrase", PASSPHRASE)
    plain.get_by_role("button", name="Sign in", exact=True).click()
    assert "Your keys" in plain.locator("h1").inner_text() and "Passkeys need JavaScript" in plain.content()


def test_the_demonstration_signs_in_with_a_click_and_says_that_nobody_real_does(chromium, strict):
    page = chromium.new_context().new_page()
    page.goto(strict["office"] + "/sign-in/")
    assert "A real alliance never does this" in page.content()
    assert axe(page) == []
    look(page, "sign-in-demonstration")
    page.get_by_role("button", name="Sign in as Odile").click()
    page.wait_for_load_state("networkidle")
    assert page.locator("header").inner_text().count("Odile Auditor") == 1
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(strict["office"] + "/sign-in/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 361


def test_the_vault_has_a_page(chromium, strict):
    b = Browser(chromium, strict["office"])
    b.sign_in("ines")
    b.add("Keeper key")
    b.go("/vault/")
    assert "Open." in b.says() and "monitoring" in b.says()
    assert axe(b.page) == []
    look(b.page, "vault-open")
    b.page.set_viewport_size({"width": 360, "height": 740})
    assert b.page.evaluate("document.documentElement.scrollWidth") <= 361
    b.page.set_viewport_size({"width": 1200, "height": 900})
    b.page.locator("form", has=b.page.get_by_role("button", name="Lock now")).locator("input[name=sure]").check()
    b.page.get_by_role("button", name="Lock now").click()
    b.page.wait_for_load_state("networkidle")
    assert "Locked." in b.says()
    b.sign_in("arno")
    b.add("Other key")
    assert "vault is locked" in b.page.locator("header").inner_text()
    b.go("/vault/")
    b.page.get_by_role("button", name="Bring my half").click()
    b.page.wait_for_load_state("networkidle")
    assert "Another keeper's opens the vault" in b.says() and "half is here" in b.says()
    assert axe(b.page) == []
    look(b.page, "vault-half")
    b.sign_out()
    b.page.get_by_role("button", name="Sign in as Ines").click()
    b.page.wait_for_load_state("networkidle")
    b.go("/vault/")
    b.page.get_by_role("button", name="Bring my half").click()
    b.page.wait_for_load_state("networkidle")
    assert "the vault is open" in b.says()
    b.context.close()


def test_no_fault_was_logged(strict):
    text = strict["log"].read_text()
    assert "fault" not in text and "Traceback" not in text, text[-1500:]
