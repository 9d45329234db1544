"""The sealing module in a real browser, on a page as strict as ours, against the same frozen vectors as Python reads."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from answerable.vault import seal
from answerable.vault.primitives import Unopenable

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)


PACKAGE = Path(seal.__file__).parents[1]
VECTORS = json.loads((PACKAGE / "vault" / "tests" / "vectors" / "envelope-1.json").read_text())
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PLACE = ("alliance", "A/reports", "report", "account")
CONTEXT = seal.envelope_context(*PLACE)

# What a page's own script may do under the policy; the control shows that the policy is really in force.
CONTROL = """
addEventListener("securitypolicyviolation", (e) => { (globalThis.violations ??= []).push(e.blockedURI); });
globalThis.control = (async () => {
  const refused = [];
  try { eval("1"); } catch { refused.push("eval"); }
  try { await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); } catch { refused.push("wasm"); }
  return refused;
})();
"""
HEX = """
globalThis.fromHex = (h) => Uint8Array.from(h.match(/../g) ?? [], (b) => parseInt(b, 16));
globalThis.toHex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
"""
FILES = {
    "/": (
        "text/html",
        b"<!doctype html><title>Seal</title><script src=/seal.js></script><script src=/hex.js></script>",
    ),
    "/control": ("text/html", b"<!doctype html><title>Control</title><script src=/control.js></script>"),
    "/seal.js": ("text/javascript", (PACKAGE / "web/static/web/vendor/seal.js").read_bytes()),
    "/control.js": ("text/javascript", CONTROL.encode()),
    "/hex.js": ("text/javascript", HEX.encode()),
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        kind, body = FILES.get(self.path, ("text/plain", b""))
        self.send_response(200 if self.path in FILES else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", "default-src 'none'; script-src 'self'")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser(engine):
    running = engine.chromium.launch(executable_path=BROWSER, args=FLAGS)
    yield running
    running.close()


@pytest.fixture(scope="module")
def page(browser, address):
    page = browser.new_page()
    page.problems, page.asked = [], []
    page.on("console", lambda m: page.problems.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    page.on("request", lambda r: page.asked.append(r.url.removeprefix(address)))
    page.goto(address + "/")
    yield page
    # Nothing was refused by the policy, and nothing but the page and its two scripts was ever asked for.
    assert [p for p in page.problems if "favicon" not in p and "404" not in p] == []
    assert set(page.asked) - {"/favicon.ico"} == {"/", "/seal.js", "/hex.js"}


def sealed_in(page, public: bytes, text: bytes, context: str) -> bytes:
    return bytes.fromhex(
        page.evaluate(
            "async ([k, t, c]) => toHex(await AnswerableSeal.sealEnvelope(fromHex(k), fromHex(t), c))",
            [public.hex(), text.hex(), context],
        )
    )


def opened_in(page, private: bytes, blob: bytes, context: str) -> bytes | str:
    """The text, or the message of the error."""
    found = page.evaluate(
        """async ([k, b, c]) => {
             try { return {text: toHex(await AnswerableSeal.openEnvelope(fromHex(k), fromHex(b), c))}; }
             catch (e) { return {error: `${e.name}: ${e.message}`}; }
           }""",
        [private.hex(), blob.hex(), context],
    )
    return bytes.fromhex(found["text"]) if "text" in found else found["error"]


def key(v):
    return bytes.fromhex(VECTORS["keys"][v["key"]]["private"])


def test_the_policy_of_this_page_is_in_force(browser, address):
    control = browser.new_page()
    control.goto(address + "/control")
    assert control.evaluate("globalThis.control") == ["eval", "wasm"]
    control.close()


def test_the_module_is_there_and_cannot_be_replaced(page):
    assert page.evaluate("AnswerableSeal.available") is True
    assert page.evaluate("Object.isFrozen(AnswerableSeal)") is True


@pytest.mark.parametrize("size", [0, 1, 255, 256, 1023, 1024, 4095, 4096, 16383, 16384, 32767, 32768, 100_000])
def test_what_the_browser_seals_python_opens_and_the_length_is_pythons(page, size):
    public, private = seal.new_key_pair()
    text = bytes((i * 7 + size) % 256 for i in range(size))
    blob = sealed_in(page, public, text, CONTEXT.decode())
    assert seal.open_envelope(private, blob, CONTEXT) == text
    assert len(blob) == len(seal.seal_envelope(public, text, CONTEXT)) and blob[:1] == seal.ENVELOPE


@pytest.mark.parametrize("text", ["", "x\0\x80\0\0", "\x80", "\0" * 255, "سرد " * 300, "🙂"])
def test_what_python_seals_the_browser_opens(page, text):
    public, private = seal.new_key_pair()
    blob = seal.seal_envelope(public, text.encode(), CONTEXT)
    assert opened_in(page, private, blob, CONTEXT.decode()) == text.encode()


def test_the_browser_opens_nothing_under_another_key_or_context(page):
    (public, private), (_, other) = seal.new_key_pair(), seal.new_key_pair()
    blob = seal.seal_envelope(public, b"words", CONTEXT)
    assert opened_in(page, private, blob, CONTEXT.decode()) == b"words"
    for with_key, context in [(other, CONTEXT.decode()), (private, CONTEXT.decode() + "s"), (private[:-1], CONTEXT.decode()),
                              (private, ""), (b"", CONTEXT.decode())]:  # fmt: skip
        assert opened_in(page, with_key, blob, context) == "Error: cannot be opened"


def test_the_same_text_never_seals_alike(page):
    public, _ = seal.new_key_pair()
    assert len({sealed_in(page, public, b"words", CONTEXT.decode()) for _ in range(20)}) == 20


@pytest.mark.parametrize("v", VECTORS["opens"], ids=lambda v: f"{v['says']}, {v['sealed_by']}")
def test_frozen_envelopes_open_in_the_browser(page, v):
    text = opened_in(page, key(v), bytes.fromhex(v["blob"]), v["context"])
    assert isinstance(text, bytes), text
    assert (len(text), hashlib.sha256(text).hexdigest()) == (v["text_size"], v["text_sha256"])
    assert page.evaluate("(parts) => AnswerableSeal.envelopeContext(...parts)", v["place"]) == v["context"]


@pytest.mark.parametrize("v", VECTORS["refused"], ids=lambda v: v["says"])
def test_frozen_refusals_are_refused_in_the_browser(page, v):
    assert opened_in(page, key(v), bytes.fromhex(v["blob"]), v["context"]) == "Error: cannot be opened"


@pytest.mark.parametrize(
    ("key", "complaint"),
    [(lambda p: p[:-1], "not an X-Wing public key"), (lambda p: p + b"\0", "not an X-Wing public key"),
     (lambda p: b"", "not an X-Wing public key"), (lambda p: bytes(1216), "cannot be sealed to this key"),
     (lambda p: p[:1184] + bytes(32), "cannot be sealed to this key"),
     (lambda p: p[:1184] + b"\x01" + bytes(31), "cannot be sealed to this key"),
     (lambda p: b"\xff" * 1184 + p[1184:], "cannot be sealed to this key")],
    ids=["short", "long", "none", "all zero", "low order 0", "low order 1", "ML-KEM out of range"],
)  # fmt: skip
def test_the_browser_seals_nothing_to_what_is_not_a_public_key(page, key, complaint):
    public, _ = seal.new_key_pair()
    told = page.evaluate(
        "([k, c]) => AnswerableSeal.sealEnvelope(fromHex(k), new Uint8Array([1]), c).then(() => 'sealed', (e) => e.message)",
        [key(public).hex(), CONTEXT.decode()],
    )
    assert told == complaint
    with pytest.raises(ValueError, match="not an X-Wing public key"):
        seal.seal_envelope(key(public), b"\1", CONTEXT)


@pytest.mark.parametrize(
    "context",
    ["", "answerable-envelope/1", "answerable-envelope/1|a|b|c", "answerable-envelope/1|a|b|c|d|e", "answerable-envelope/1|a||c|d",
     "answerable-envelope/2|a|b|c|d", "v1|a|b|c|d"],
)  # fmt: skip
def test_neither_side_seals_under_a_context_that_is_no_envelopes(page, context):
    public, private = seal.new_key_pair()
    told = page.evaluate(
        "([k, c]) => AnswerableSeal.sealEnvelope(fromHex(k), new Uint8Array([1]), c).then(() => 'sealed', (e) => e.message)",
        [public.hex(), context],
    )
    assert told == "not an envelope's context"
    with pytest.raises(ValueError, match="not an envelope's context"):
        seal.seal_envelope(public, b"\1", context.encode())
    with pytest.raises(Unopenable):
        seal.open_envelope(private, seal.seal_envelope(public, b"\1", CONTEXT), context.encode())


@pytest.mark.parametrize(
    "parts", [["a|b", "c", "d", "e"], ["a", "", "d", "e"], ["a", "b", "c", "\ud83d"], ["a", "b", "c"]]
)
def test_a_context_that_could_be_read_two_ways_is_refused_in_the_browser(page, parts):
    # \u escapes: half a character does not survive the way into the page any other way.
    literal = json.dumps(parts)
    told = page.evaluate(
        f"() => {{ try {{ return AnswerableSeal.envelopeContext(...{literal}); }} catch (e) {{ return e.message; }} }}"
    )
    assert told == "a part of an envelope's context is empty, holds a bar or half a character"


def test_a_view_into_a_larger_buffer_is_read_as_what_it_shows(page):
    public, private = seal.new_key_pair()
    blob = page.evaluate(
        """async ([k, c]) => {
             const room = new Uint8Array(2000).fill(9), key = fromHex(k);
             room.set(key, 100); room.set([1, 2, 3], 50);
             return toHex(await AnswerableSeal.sealEnvelope(room.subarray(100, 1316), room.subarray(50, 53), c));
           }""",
        [public.hex(), CONTEXT.decode()],
    )
    assert seal.open_envelope(private, bytes.fromhex(blob), CONTEXT) == b"\1\2\3"


def test_only_bytes_are_sealed(page):
    public, _ = seal.new_key_pair()
    for text in ("'words'", "[1, 2]", "null", "new ArrayBuffer(3)"):
        told = page.evaluate(
            f"([k, c]) => AnswerableSeal.sealEnvelope(fromHex(k), {text}, c).then(() => 'sealed', (e) => e.message)",
            [public.hex(), CONTEXT.decode()],
        )
        assert told == "the text is a Uint8Array"
