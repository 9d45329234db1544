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
// Questions that an answer on the same page calls for: what is not asked is hidden and not sent. Without a script a
// heading says when each of them is asked.
for (const part of document.querySelectorAll("[data-when]")) {
  const asking = [...document.getElementsByName(part.dataset.when)], answers = part.dataset.is.split(" ");
  const show = () => {
    const given = asking.filter((field) => field.type === "hidden" || !("checked" in field) || !/^(radio|checkbox)$/.test(field.type) || field.checked);
    part.hidden = !given.some((field) => answers.includes(field.value));
    part.disabled = part.hidden;
  };
  for (const field of asking) field.addEventListener("change", show);
  window.addEventListener("pageshow", show);
  show();
}
// What was refused was sent to an address that shows nothing by itself: the bar names the page one came from, so that
// reloading or keeping the address leads there.
const cameFrom = document.querySelector("main a[data-came-from]");
if (cameFrom && new URL(cameFrom.href).origin === location.origin) history.replaceState(null, "", cameFrom.href);
