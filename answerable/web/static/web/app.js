// Small things that make the office quicker; every page works without them.
document.addEventListener("change", (event) => { if (event.target.matches("select[data-go]")) event.target.form.requestSubmit(); });
