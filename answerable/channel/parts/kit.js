// The field kit: seals a report when it is saved, keeps what it sealed, sends it when told to. It opens nothing.
(function () {
  "use strict";
  const NODE = "alliance", SERVICE = "door", AT_ONCE = 1200000, MOST = 20;
  const root = document.getElementById("kit"), report = document.getElementById("report"), send = document.getElementById("send");
  const seal = window.AnswerableSeal;
  const words = (name) => root.dataset["say" + name[0].toUpperCase() + name.slice(1)];
  const say = (name, more) => { document.getElementById("said").textContent = words(name) + (more ? " " + more : ""); };

  // --- what is on the device: envelopes with a random name and a day, and the lists of the form -------------------
  const store = new Promise((resolve, reject) => {
    const asked = indexedDB.open("kit", 1);
    asked.onupgradeneeded = () => { asked.result.createObjectStore("queue", { keyPath: "id" }); asked.result.createObjectStore("lists"); };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  async function on(name, mode, work) {
    const held = (await store).transaction(name, mode), asked = work(held.objectStore(name));
    return new Promise((resolve, reject) => {
      held.oncomplete = () => resolve(asked.result);
      held.onerror = held.onabort = () => reject(held.error);
    });
  }
  const queued = () => on("queue", "readonly", (shelf) => shelf.getAll());
  const put = (row) => on("queue", "readwrite", (shelf) => shelf.put(row));
  const drop = (id) => on("queue", "readwrite", (shelf) => shelf.delete(id));

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  function packed(blob) {
    let text = "";
    for (let i = 0; i < blob.length; i += 4096) text += String.fromCharCode.apply(null, blob.subarray(i, i + 4096));
    return btoa(text);
  }
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  const today = () => new Date().toISOString().slice(0, 10);

  async function show() {
    const rows = (await queued()).sort((a, b) => (a.day + a.id < b.day + b.id ? -1 : 1));
    document.getElementById("count").textContent = rows.length ? words("waiting") + " " + rows.length : words("none");
    const list = document.getElementById("queue");
    list.textContent = "";
    for (const row of rows) {
      const item = document.createElement("li");
      item.textContent = row.day + (row.said ? ": " + row.said : "");
      if (row.refused) {
        const away = document.createElement("button");
        away.type = "button"; away.className = "plain"; away.textContent = words("discard");
        away.setAttribute("aria-label", words("discard") + ", " + row.day);
        away.addEventListener("click", async () => { if (confirm(words("sure"))) { await drop(row.id); await show(); } });
        item.append(" ", away);
      }
      list.append(item);
    }
  }

  async function fill() {
    const given = (await on("lists", "readonly", (shelf) => shelf.get("choices"))) || {};
    for (const select of report.querySelectorAll("select[data-given]")) {
      const before = select.value;
      select.length = 1;
      for (const [value, label] of given[select.name] || []) select.add(new Option(label, value));
      select.value = before;
    }
    return Object.keys(given).length > 0;
  }

  // --- saving ------------------------------------------------------------------------------------------------------
  function answers() {
    const fields = {};
    for (const name of [...new Set(Array.from(report.elements, (e) => e.name).filter(Boolean))].sort()) {
      const all = report.querySelectorAll('[name="' + name + '"]');
      if (all[0].dataset.many !== undefined) fields[name] = Array.from(all).filter((e) => e.checked).map((e) => e.value);
      else fields[name] = all[0].type === "checkbox" ? (all[0].checked ? all[0].value : "") : all[0].value.trim();
    }
    return fields;
  }
  const hush = () => { document.getElementById("said").textContent = ""; };
  report.addEventListener("submit", async (event) => {
    event.preventDefault();
    hush();
    for (const group of report.querySelectorAll("fieldset[data-must]")) {
      if (!group.querySelector(":checked")) {
        say("choose", group.dataset.must);
        group.querySelector("input").focus();
        return;
      }
    }
    if (!(await fill())) { say("first"); return; }
    const button = report.querySelector("button");
    button.disabled = true;
    try {
      if (!seal || !seal.available || !root.dataset.key) throw new Error();
      const text = JSON.stringify({ fields: answers(), id: random(), language: root.dataset.language, v: 1 });
      const context = seal.envelopeContext(NODE, SERVICE, "Kit", "report");
      const envelope = await seal.sealEnvelope(bytes(root.dataset.key), new TextEncoder().encode(text), context);
      await put({ id: random(), day: today(), envelope });
      report.reset();
      say("saved");
      await show();
    } catch {
      say("unsealed");
    } finally {
      button.disabled = false;
    }
  });

  // --- sending -----------------------------------------------------------------------------------------------------
  async function post(address, parts) {
    let reply;
    try {
      const fresh = await (await fetch("ready/", { cache: "no-store" })).json();
      const form = new URLSearchParams(); // the door reads no other form
      for (const [name, value] of [["t", fresh.t], ...parts]) form.append(name, value);
      reply = await fetch(address, { method: "POST", body: form, cache: "no-store" });
    } catch {
      say("offline");
      return null;
    }
    try {
      if (reply.redirected || !reply.ok) throw new Error();
      const found = await reply.json();
      if (found.ok) return found;
      say("wrong");
    } catch {
      say("busy");
    }
    return null;
  }
  async function sendAll(who) {
    let taken = 0, held = 0, rest = await queued();
    while (rest.length) {
      const some = [];
      let size = 0;
      while (rest.length && some.length < MOST && (!some.length || size + rest[0].envelope.length * 1.4 < AT_ONCE)) {
        size += rest[0].envelope.length * 1.4;
        some.push(rest.shift());
      }
      const found = await post("send/", [...who, ...some.map((row) => ["envelope", packed(row.envelope)])]);
      if (!found) return;
      for (let i = 0; i < some.length; i++) {
        const receipt = found.receipts[i];
        if (receipt.state === "LODGED") { await drop(some[i].id); taken += 1; }
        else if (receipt.state === "WAITING") { await put({ ...some[i], said: words("held"), refused: false }); held += 1; }
        else await put({ ...some[i], said: receipt.sentence, refused: true });
      }
    }
    say("sent", String(taken));
  }
  send.addEventListener("submit", async (event) => {
    event.preventDefault();
    hush();
    const act = event.submitter ? event.submitter.value : "send", buttons = send.querySelectorAll("button");
    const who = [["code", send.elements.code.value], ["pin", send.elements.pin.value]];
    for (const button of buttons) button.disabled = true;
    send.elements.code.value = send.elements.pin.value = "";
    try {
      if (act === "form") {
        const found = await post("form/", who);
        if (found) {
          await on("lists", "readwrite", (shelf) => shelf.put(found.choices, "choices"));
          await fill();
          say("ready");
        }
      } else await sendAll(who);
    } finally {
      for (const button of buttons) button.disabled = false;
      await show();
    }
  });

  if ("serviceWorker" in navigator) navigator.serviceWorker.register("worker.js", { scope: "./" }).catch(() => undefined);
  fill().then(show);
})();
