// Drawing regions over pages instead of writing them: each becomes a line of the form, which works without this.
(() => {
  const lines = document.querySelector("textarea[name=boxes]");
  if (!lines) return;
  const percent = (part, whole) => (Math.min(Math.max(part / whole, 0), 1) * 100);
  for (const figure of document.querySelectorAll("figure.redactable")) {
    const picture = figure.querySelector("img");
    let start = null, box = null;
    const at = (event) => {
      const frame = picture.getBoundingClientRect();
      return [percent(event.clientX - frame.left, frame.width), percent(event.clientY - frame.top, frame.height)];
    };
    const place = (x, y) => {
      const [left, top] = [Math.min(start[0], x), Math.min(start[1], y)];
      const [width, height] = [Math.abs(x - start[0]), Math.abs(y - start[1])];
      Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
      return [left, top, width, height];
    };
    picture.draggable = false;
    picture.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      start = at(event);
      box = document.createElement("span");
      box.className = "redaction";
      figure.append(box);
      picture.setPointerCapture(event.pointerId);
    });
    picture.addEventListener("pointermove", (event) => { if (start) place(...at(event)); });
    picture.addEventListener("pointerup", (event) => {
      if (!start) return;
      const drawn = place(...at(event));
      start = null;
      if (drawn[2] < 0.5 || drawn[3] < 0.5) return box.remove();
      // Rounded outwards, so that nothing at the edge is spared.
      const [left, top] = [Math.floor(drawn[0] * 10) / 10, Math.floor(drawn[1] * 10) / 10];
      const far = [Math.min(Math.ceil((drawn[0] + drawn[2]) * 10) / 10, 100), Math.min(Math.ceil((drawn[1] + drawn[3]) * 10) / 10, 100)];
      const row = [figure.dataset.page, left.toFixed(1), top.toFixed(1), (far[0] - left).toFixed(1), (far[1] - top).toFixed(1)];
      lines.value = `${lines.value.trimEnd()}\n${row.join(" ")}`.trimStart();
    });
  }
})();
