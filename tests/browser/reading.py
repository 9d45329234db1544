"""How text is drawn: what stands in another order on the screen than it is written."""

from __future__ import annotations

# Arabic, and the letters that take their direction from right to left.
DRAWN = r"""
() => {
  const rtl = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/, wrong = [];
  const block = "p, li, td, th, dt, dd, h1, h2, h3, h4, legend, label, summary, figcaption";
  const place = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at); range.setEnd(node, at + 1);
    const box = [...range.getClientRects()].find((r) => r.width > 0);
    return box && { c: node.data[at], x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, h: box.height };
  };
  // Characters of a line stand further right, one after the other; a lower one begins a new line.
  const inOrder = (places) => places.every((p, n) => !n || p.x > places[n - 1].x - 0.5 || p.y > places[n - 1].y + p.h / 2);
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode()); ) {
    if (!node.data.trim() || node.parentElement.closest("svg, script, style, select, [data-chart]")) continue;
    const seen = (from, to) => {
      const found = [];
      for (let at = from; at < to; at++) { const p = /\s/.test(node.data[at]) ? null : place(node, at); if (p) found.push(p); }
      return found;
    };
    const within = node.parentElement.closest(block);
    const foreign = within && /[A-Za-z]/.test(node.data) && !rtl.test(node.data);
    if (foreign) { if (!inOrder(seen(0, node.data.length))) wrong.push(node.data.trim()); continue; }
    for (const run of node.data.matchAll(/[A-Z]{2,4}(?:-[0-9A-Z]+)+|\d{4}-\d\d-\d\d|\d+(?:[.,:\/–]\d+)+/g))
      if (!inOrder(seen(run.index, run.index + run[0].length))) wrong.push(run[0] + " in " + node.data.trim());
  }
  return wrong;
}
"""


def scrambled(page) -> list[str]:
    """Sentences in Latin letters, and references, dates and figures in any sentence, not drawn from left to right as written."""
    return page.evaluate(DRAWN)
