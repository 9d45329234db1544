"""The vault as a process: a page of sealed fields against the same page unsealed, and 100,000 keys wrapped again.

The vault runs as `make run` starts it, behind its socket; keepers unlock it; policy, consent, budget and the record entry
are all paid for. Limits: twice the unsealed page; the re-wrap against the bare unwrap and wrap of as many keys.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["ANSWERABLE_VAULT_SOCKETS"] = tempfile.mkdtemp(prefix="bench-vault-")
from scratch import alliance, seconds

KEYS = int(os.environ.get("BENCH_KEYS", "100000"))


def main() -> None:
    """Print the ratios."""
    with alliance() as world:
        from django.conf import settings
        from django.test import Client

        from answerable.authority.acting import reading_as
        from answerable.authority.principals import CLOCK
        from answerable.common import clock
        from answerable.reparations.views import READ_FOR
        from answerable.vault import client, keeping, seal
        from answerable.vault.keyroom import roomkeys, vaultkeys
        from answerable.vault.models import Compartment, DataKey

        run = world["run"]
        with reading_as(CLOCK):
            claim = run.fresh("$claim")
        clock.unfix()
        env = {**os.environ, "ANSWERABLE_DOOR": "vault"}
        env.pop("DJANGO_SETTINGS_MODULE")
        server = subprocess.Popen([sys.executable, "-m", "answerable", "vault", "serve"], env=env)
        try:
            settings.VAULT_TRANSPORT = "socket"
            assert client.answers("office", wait=60)
            for keeper in ("ines", "arno"):
                token = client.ask("sign_in", handle=keeper, passphrase=world["passphrase"])["token"]
                client.ask("bring_half", token=token)
            client_ = Client()
            reply = client_.post("/sign-in/", {"handle": "anna", "passphrase": world["passphrase"]})
            assert reply.status_code == 303
            url = f"/repair/claims/{claim.ref}/read/"

            def page() -> None:
                assert client_.post(url, {"field": "all"}).status_code == 200

            fields = list(READ_FOR)
            real, plain = keeping.open_fields, dict.fromkeys(fields, "x" * 200)
            one, other = [], []
            for _ in range(8):
                one += seconds(page, 25)
                keeping.open_fields = lambda *_a, **_k: plain
                other += seconds(page, 25)
                keeping.open_fields = real
            s, u = statistics.median(one), statistics.median(other)
            theirs = opened_fields(claim)
            few, many = [], []
            token = client.ask("sign_in", handle="anna", passphrase=world["passphrase"])["token"]
            for _ in range(100):
                for names, into in ((theirs[:1], few), (theirs, many)):
                    into += seconds(
                        lambda n=names: client.ask(
                            "open", token=token, ref=claim.ref, fields=n, purpose="adjudication"
                        ),
                        1,
                    )
            further = max(0.0, (statistics.median(many) - statistics.median(few)) / (len(theirs) - 1))
            ten = s + (10 - len(theirs)) * further
            print(f"claim page, {len(theirs)} sealed fields opened {s * 1000:.1f} ms, the same page with its texts in the open "
                  f"{u * 1000:.1f} ms, ratio {s / u:.2f}; each further field {further * 1000:.2f} ms, so with ten {ten / u:.2f} (limit 2)")  # fmt: skip
        finally:
            server.terminate()
            server.wait(20)
        settings.VAULT_TRANSPORT = "here"
        room = Compartment.objects.get(name="claims")
        public, dek = bytes(room.public_key), seal.new_data_key()
        rows = []
        for n in range(KEYS):
            ref = f"CLM-B{n}"
            wrapped = seal.wrap(public, dek, roomkeys.datakey_context(ref, "claims"))
            rows.append(DataKey(subject=ref, compartment=room, wrapped=wrapped))
        DataKey.objects.bulk_create(rows, batch_size=2000)
        del rows
        from answerable.alliance.models import Person

        inga = Person.objects.get(handle="inga")
        private = vaultkeys.CHAMBER.private(
            client.ask("sign_in", handle="inga", passphrase=world["passphrase"])["token"]
        )
        assert private is not None
        t = time.perf_counter()
        done = roomkeys.rotate("claims", by=inga.ref, private=private)["keys"]
        took = time.perf_counter() - t
        sample, (fresh, old) = 2000, seal.new_key_pair()
        wraps = [seal.wrap(fresh, dek, b"c") for _ in range(sample)]
        t = time.perf_counter()
        for blob in wraps:
            seal.wrap(fresh, seal.unwrap(old, blob, b"c"), b"c")
        floor = (time.perf_counter() - t) / sample * done
        print(
            f"rotation: {done:,} keys wrapped again in {took:.0f} s, the bare unwrap and wrap {floor:.0f} s, ratio {took / floor:.2f}"
        )


def opened_fields(claim):
    """What the page opens for an assessor."""
    from answerable.reparations.views import READ_FOR

    return [f for f, purpose in READ_FOR.items() if purpose == "adjudication"]


main()
