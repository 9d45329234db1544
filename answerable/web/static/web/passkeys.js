// Passkeys: a form asks the server what to ask for, the browser asks the authenticator, the form posts the answer.
// Nothing is kept here or in the browser's storage. Every page works with the passphrase where this does not run.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

const ready = (options) => {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of ["excludeCredentials", "allowCredentials"])
    options[list] = (options[list] || []).map((c) => ({ ...c, id: bytes(c.id) }));
  options.extensions.prf.eval.first = bytes(options.extensions.prf.eval.first);
  return options;
};

const secretOf = (made) => made.getClientExtensionResults().prf?.results?.first;

const plain = (made) => {
  const { response } = made;
  const out = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    out.attestationObject = text(response.attestationObject);
    out.transports = response.getTransports?.() || [];
  } else {
    out.authenticatorData = text(response.authenticatorData);
    out.signature = text(response.signature);
    if (response.userHandle) out.userHandle = text(response.userHandle);
  }
  return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response: out,
    authenticatorAttachment: made.authenticatorAttachment, clientExtensionResults: {} });
};

const ceremony = async (form) => {
  const body = new URLSearchParams({ csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value, options: "1" });
  const reply = await fetch(form.dataset.options, { method: "POST", body, credentials: "same-origin" });
  if (!reply.ok) return false; // the form is sent as it is, and the server says in words what is missing
  const publicKey = ready(await reply.json());
  if (form.dataset.passkey === "get") {
    const used = await navigator.credentials.get({ publicKey });
    return { credential: plain(used), secret: secretOf(used) };
  }
  const made = await navigator.credentials.create({ publicKey });
  let secret = secretOf(made);
  if (!secret && made.getClientExtensionResults().prf?.enabled) {
    // Some authenticators evaluate only when they are used, not when they are made.
    const used = await navigator.credentials.get({ publicKey: { challenge: crypto.getRandomValues(new Uint8Array(32)),
      rpId: publicKey.rp.id, allowCredentials: [{ type: "public-key", id: made.rawId }], userVerification: "required",
      extensions: publicKey.extensions } });
    secret = secretOf(used);
  }
  return { credential: plain(made), secret };
};

const reveal = () => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  for (const form of document.querySelectorAll("form[data-passkey][hidden]")) form.hidden = false;
};

// A field of a form hides the form's own member of the same name ("matches", "submit"), so these are asked of the prototypes.
const isCeremony = (form) => Element.prototype.matches.call(form, "form[data-passkey]");
const send = (form) => HTMLFormElement.prototype.submit.call(form);

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!isCeremony(form)) return;
  event.preventDefault();
  const failed = form.querySelector("[data-failed]");
  const button = form.querySelector("button");
  failed.hidden = true;
  button.disabled = true;
  try {
    const answer = await ceremony(form);
    if (answer) {
      form.elements.credential.value = answer.credential;
      form.elements.prf.value = answer.secret ? text(answer.secret) : "";
    }
    send(form);
  } catch {
    failed.hidden = false;
    button.disabled = false;
  }
});
document.addEventListener("htmx:afterSwap", reveal);
reveal();
