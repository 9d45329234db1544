"""Evidence in headless Chromium, on the running processes: taken in, looked at, a region drawn and destroyed, in two directions."""

from __future__ import annotations

import base64
import io

import pytest
from browser_support import axe, sign_in
from PIL import Image


def picture(colour: str) -> bytes:
    whole, target = Image.radial_gradient("L").resize((400, 300)).convert("RGB"), io.BytesIO()
    whole.paste(colour, (100, 100, 200, 160))
    whole.save(target, "PNG")
    return target.getvalue()


def incident_of(page, running) -> str:
    page.goto(running["office"] + "/watch/incidents/?status=VERIFIED")
    return page.locator("main a[href*='/watch/incidents/INC']").last.get_attribute("href").rstrip("/").split("/")[-1]


def fits(page, width: int) -> bool:
    found = axe(page)
    assert found == [], found
    return page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("language", "width", "colour"), [("en", 1280, "red"), ("ar", 360, "blue")])
def test_a_region_is_drawn_and_gone(chromium, running, language, width, colour):
    vera = sign_in(chromium, running, "vera", viewport={"width": width, "height": 900}, locale=language)
    incident = incident_of(vera, running)
    vera.goto(f"{running['office']}/watch/incidents/{incident}/known/")
    assert vera.locator("svg.provenance rect").count() >= 1 and fits(vera, width)
    vera.locator("main a[href*='/evidence/']").first.click()
    assert fits(vera, width)
    vera.locator("input[type=file][name=file]").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": picture(colour)}
    )
    vera.locator("form[action*='/evidence/take/'] button").click()
    vera.locator("form[action*='/show/'] button").last.click()
    shown = vera.locator("figure.redactable img")
    shown.scroll_into_view_if_needed()
    box = shown.bounding_box()
    at = lambda x, y: (box["x"] + box["width"] * x / 400, box["y"] + box["height"] * y / 300)  # noqa: E731
    vera.mouse.move(*at(95, 95))
    vera.mouse.down()
    vera.mouse.move(*at(150, 130))
    vera.mouse.move(*at(205, 165))
    vera.mouse.up()
    page, left, top, across, down = vera.locator("textarea[name=boxes]").input_value().split()
    assert page == "1" and float(left) <= 25 and float(top) <= 33.4
    assert float(left) + float(across) >= 50 and float(top) + float(down) >= 53.3
    assert fits(vera, width)
    vera.screenshot(path=f"/tmp/evidence-shown-{language}.png", full_page=True)
    vera.locator("form[action*='/redact/'] button").click()
    assert fits(vera, width)
    vera.screenshot(path=f"/tmp/evidence-item-{language}.png", full_page=True)
    vera.locator("form[action*='/reasons/'] button").last.click()
    source = vera.locator("figure.redactable img").get_attribute("src")
    left_over = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB")
    assert set(left_over.crop((100, 100, 200, 160)).get_flattened_data()) == {(0, 0, 0)}
    assert left_over.getpixel((300, 250)) != (0, 0, 0)
    vera.goto(f"{running['office']}/watch/incidents/{incident}/known/")
    vera.screenshot(path=f"/tmp/evidence-known-{language}.png", full_page=True)
