"""A file of which the rest does not come: whoever sent it reads that, and that nothing of it was kept."""

from __future__ import annotations

import pytest

from answerable.config import serving

pytestmark = pytest.mark.django_db
BEGUN = b'--x\r\nContent-Disposition: form-data; name="file"; filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\nwhen,area1\n2025'


class Cut:
    """What came of a request, after which nothing comes any more."""

    def __init__(self) -> None:
        self.left = BEGUN

    def read(self, size: int = -1) -> bytes:
        if not self.left:
            raise OSError("the rest of the file did not come")
        part, self.left = self.left[:size], self.left[size:]
        return part

    readline = read


@pytest.fixture
def cut(office, settings, tmp_path):
    """Send half a file to a page, as someone, with the check against forged requests on."""
    settings.INTAKE, settings.DEBUG = tmp_path, True

    def send(path: str):
        client = office("sami")
        client.handler.enforce_csrf_checks = True
        stream = Cut()
        reply = client.generic("POST", path, **{"wsgi.input": stream, "CONTENT_LENGTH": "5000", serving.CUT: True,
                                               "CONTENT_TYPE": "multipart/form-data; boundary=x"})  # fmt: skip
        assert not stream.left
        return reply

    return send


@pytest.mark.parametrize("path", ["/watch/intake/", "/watch/items/EVI-0000/evidence/take/"])
def test_half_a_file_is_said_to_be_half_a_file(cut, path, tmp_path):
    reply = cut(path)
    said = reply.content.decode()
    assert reply.status_code == 408 and "The file did not arrive whole" in said and "Nothing of it was kept" in said
    assert "CSRF" not in said and "DEBUG" not in said
    assert [p for p in tmp_path.rglob("*") if p.is_file() and p.stat().st_size] == []


def test_a_form_without_its_token_is_answered_by_our_own_page(office):
    client = office("sami")
    client.handler.enforce_csrf_checks = True
    reply = client.post("/sign-out/", {})
    said = reply.content.decode()
    assert reply.status_code == 403 and "That could not be checked" in said and "Nothing was changed" in said
    assert "CSRF" not in said
