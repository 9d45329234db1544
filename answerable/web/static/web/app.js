// Small things that make the office quicker; every page works without them.
// A field hides its form's member of the same name, so what a form does is asked of the prototype.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-go]")) HTMLFormElement.prototype.requestSubmit.call(event.target.form);
});
// Long work shows how far it is; without a script the page says the same when it is opened again.
for (const part of document.querySelectorAll("[data-poll]")) {
  const look = async () => {
    try {
      const reply = await fetch(part.dataset.poll, { headers: { "X-Part": part.id }, credentials: "same-origin" });
      if (!reply.ok || reply.redirected) return;
      const held = part.contains(document.activeElement);
      if (!held) part.innerHTML = await reply.text();
      if (held || reply.headers.get("X-Working") === "1") setTimeout(look, 2000);
    } catch { /* away for a moment: the page stays as it is */ }
  };
  setTimeout(look, 2000);
}
