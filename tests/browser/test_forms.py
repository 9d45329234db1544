"""Staff forms in headless Chromium: whoever ticks a box ticks the words beside it, on any screen, in either direction."""

from __future__ import annotations

import pytest
from browser_support import axe, sign_in

# For every tick box: the words nearest to it, whether they are its own label's, on which side the box stands,
# and whether another box shares its line.
MEASURE = """() => {
  const lines = (node) => { const r = document.createRange(); r.selectNodeContents(node); return [...r.getClientRects()]; };
  const words = [];
  const walk = document.createTreeWalker(document.querySelector('main form:last-of-type'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    if (!walk.currentNode.data.trim() || walk.currentNode.parentElement.closest('option, select, textarea, button')) continue;
    for (const r of lines(walk.currentNode)) if (r.width) words.push([walk.currentNode, r]);
  }
  const boxes = [...document.querySelectorAll('main input[type=checkbox]')];
  const rtl = document.documentElement.dir === 'rtl';
  return boxes.map(box => {
    const b = box.getBoundingClientRect(), y = b.y + b.height / 2;
    const far = r => Math.hypot(Math.max(r.left - b.right, 0, b.left - r.right), Math.max(r.top - b.bottom, 0, b.top - r.bottom));
    const [node, near] = words.reduce((one, other) => far(other[1]) < far(one[1]) ? other : one);
    const label = box.closest('label');
    return {
      name: box.name + ' ' + box.value, said: node.data.trim(), own: !!label && label.contains(node),
      before: rtl ? b.left >= near.right : b.right <= near.left,
      alone: boxes.every(o => o === box || Math.abs(o.getBoundingClientRect().y + b.height / 2 - y) > b.height / 2),
      inside: b.left >= 0 && b.right <= document.documentElement.clientWidth,
    };
  });
}"""


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_tick_box_stands_before_its_own_words_on_a_line_of_its_own(chromium, running, width, language):
    adva = sign_in(chromium, running, "adva", viewport={"width": width, "height": 900}, locale=language)
    adva.goto(running["office"] + "/repair/")
    claim = adva.locator("main table a[href*='/claims/']").first.get_attribute("href").rstrip("/").split("/")[-1]
    adva.goto(f"{running['office']}/repair/claims/{claim}/")
    consents = adva.locator("main a[href*='/consents/']").first.get_attribute("href")
    plan = adva.locator("main a[href*='/contact/']").first.get_attribute("href")
    for path, least in ((f"{plan}plan/", 12), (f"{consents}CP-CONT/", 7)):
        adva.goto(running["office"] + path)
        assert adva.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
        measured = adva.evaluate(MEASURE)
        assert len(measured) >= least, path
        for box in measured:
            assert box["own"] and box["before"] and box["alone"] and box["inside"], (path, box)
        assert axe(adva) == [] and adva.evaluate("document.documentElement.scrollWidth") <= width, path
