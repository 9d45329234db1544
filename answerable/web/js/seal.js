// Sealing in the browser, before anything leaves it: format 0x05 of answerable/vault/seal.py, the same bytes as there.
//
//     envelope = 0x05 ‖ enc (1,120) ‖ ChaCha20-Poly1305 of the padded text      HPKE base mode, RFC 9180, info = context
//
// X-Wing (ML-KEM-768 and X25519) stays closed unless both are broken. A page that loads this file gets AnswerableSeal.
// Where `available` is false (no secure context, an old browser) the form is sent as it is and sealed on arrival.
import { CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { sha3_256 } from "mlkem";

const ENVELOPE = 5;
const PUBLIC_SIZE = 1216, PRIVATE_SIZE = 96, ENC_SIZE = 1120, TAG_SIZE = 16;
const LABEL = "answerable-envelope/1";
const BUCKETS = [256, 1024, 4096, 16384];
const XWING_LABEL = new Uint8Array([0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c]);

// Our private keys are the 96 expanded bytes (ML-KEM seed ‖ X25519 scalar), not the 32-byte seed they may come from.
class ExpandedXWing extends XWing {
  constructor() {
    super();
    this.privateKeySize = PRIVATE_SIZE;
  }

  async decap({ recipientKey, enc }) {
    await this._setup();
    const key = new Uint8Array(await this.serializePrivateKey(recipientKey));
    const text = new Uint8Array(enc);
    const point = text.subarray(1088);
    const [, pq] = await this._m.deriveKeyPair(key.slice(0, 64));
    const ec = key.slice(64);
    const base = new Uint8Array(32);
    base[0] = 9;
    const parts = [await this._m.decap(text.subarray(0, 1088), pq), await this._x25519.derive(ec, point), point, await this._x25519.derive(ec, base), XWING_LABEL];
    const hash = sha3_256.create();
    for (const part of parts) hash.update(part);
    return hash.digest().buffer;
  }
}

const suite = () => new CipherSuite({ kem: new ExpandedXWing(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });

function bytes(value, what) {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${what} is a Uint8Array`);
  return new Uint8Array(value); // a copy, so that views into a larger buffer are read as what they show
}

function pad(text) {
  const need = text.length + 1;
  const padded = new Uint8Array(BUCKETS.find((size) => need <= size) ?? Math.ceil(need / 16384) * 16384);
  padded.set(text);
  padded[text.length] = 0x80;
  return padded;
}

function unpad(padded) {
  let end = padded.length;
  while (end && padded[end - 1] === 0) end -= 1;
  if (padded[end - 1] !== 0x80) throw new Error();
  return padded.slice(0, end - 1);
}

function isPart(part) {
  return typeof part === "string" && part !== "" && !part.includes("|") && !/\p{Surrogate}/u.test(part);
}

function isContext(context) {
  const [label, ...parts] = typeof context === "string" ? context.split("|") : [];
  return label === LABEL && parts.length === 4 && parts.every(isPart);
}

/** "answerable-envelope/1|node|compartment|kind|field". Throws when a part is empty, holds a bar or half a character. */
function envelopeContext(node, compartment, kind, field) {
  const parts = [node, compartment, kind, field];
  if (!parts.every(isPart)) throw new Error("a part of an envelope's context is empty, holds a bar or half a character");
  return [LABEL, ...parts].join("|");
}

/** Text sealed to a public key (1,216 bytes) and bound to its context. Rejects what is no key or no context. */
async function sealEnvelope(publicKey, plaintext, context) {
  if (!isContext(context)) throw new Error("not an envelope's context");
  const key = bytes(publicKey, "a public key");
  const padded = pad(bytes(plaintext, "the text"));
  if (key.length !== PUBLIC_SIZE) throw new Error("not an X-Wing public key");
  try {
    const hpke = suite();
    const recipientPublicKey = await hpke.kem.deserializePublicKey(key.buffer);
    const sealed = await hpke.seal({ recipientPublicKey, info: new TextEncoder().encode(context) }, padded);
    const envelope = new Uint8Array(1 + sealed.enc.byteLength + sealed.ct.byteLength);
    envelope[0] = ENVELOPE;
    envelope.set(new Uint8Array(sealed.enc), 1);
    envelope.set(new Uint8Array(sealed.ct), 1 + sealed.enc.byteLength);
    return envelope;
  } catch {
    throw new Error("cannot be sealed to this key");
  } finally {
    padded.fill(0);
  }
}

/** The text of an envelope, with the 96-byte private key. One error for every reason, which says nothing more. */
async function openEnvelope(privateKey, blob, context) {
  try {
    const sealed = bytes(blob, "an envelope");
    const key = bytes(privateKey, "a private key");
    if (!isContext(context) || sealed[0] !== ENVELOPE || sealed.length < 1 + ENC_SIZE + TAG_SIZE) throw new Error();
    const hpke = suite();
    const recipientKey = await hpke.kem.deserializePrivateKey(key.buffer);
    const enc = sealed.slice(1, 1 + ENC_SIZE).buffer;
    const padded = await hpke.open({ recipientKey, enc, info: new TextEncoder().encode(context) }, sealed.slice(1 + ENC_SIZE));
    return unpad(new Uint8Array(padded));
  } catch {
    throw new Error("cannot be opened");
  }
}

const available = globalThis.isSecureContext === true && globalThis.crypto?.subtle !== undefined && typeof BigInt === "function";

globalThis.AnswerableSeal = Object.freeze({ available, envelopeContext, sealEnvelope, openEnvelope });
