"""`answerable vault …`: serve, lock, status, unlock and the verifier key, on the vault's own machine."""

from __future__ import annotations

import argparse
from typing import Any

from answerable.common.errors import Refused


def _unlock(handles: list[str]) -> int:
    """Two keepers at the vault's own machine, each with their own passphrase; the pages of the office do the same."""
    import getpass

    from django.conf import settings

    from answerable.vault import client

    if len(set(handles)) != 2:
        raise Refused("Name the two keepers: answerable vault unlock HANDLE HANDLE", reason="usage")
    settings.VAULT_DOOR, settings.VAULT_TRANSPORT = "office", "socket"
    opened = False
    for handle in handles:
        try:
            passphrase = getpass.getpass(f"Passphrase of {handle}: ")
        except EOFError:
            raise Refused(
                f"The passphrase of {handle} did not come: the input ended. Each keeper types theirs at this terminal.",
                reason="usage",
            ) from None
        token = client.ask("sign_in", handle=handle, passphrase=passphrase)["token"]
        opened = client.ask("bring_half", token=token)["open"]
        client.ask("end_session", token=token)
    print("The vault is open." if opened else "The vault is still locked: those two do not keep it together.")
    return 0 if opened else 1


def main(argv: list[str]) -> int:
    """`answerable vault serve | lock | status | unlock`, on the vault's own machine."""
    parser = argparse.ArgumentParser(
        prog="answerable vault", description="The vault process, its lock and its keepers."
    )
    parser.add_argument("what", choices=["serve", "lock", "status", "unlock", "vkey"])
    parser.add_argument(
        "keepers", nargs="*", metavar="HANDLE", help="with unlock: two keepers, each types a passphrase"
    )
    args = parser.parse_args(argv)
    what = args.what
    if args.keepers and what != "unlock":
        parser.error(f"“{what}” stands alone; only unlock names keepers.")
    if what == "vkey":
        from answerable.vault import signing

        print(signing.signer().vkey())
        return 0
    if what == "serve":
        from answerable.vault import server

        return server.serve()
    if what == "unlock":
        return _unlock(args.keepers)
    from django.conf import settings

    from answerable.vault import client

    settings.VAULT_DOOR, settings.VAULT_TRANSPORT = "host", "socket"
    reply: Any = client.ask("lock_here" if what == "lock" else "locked_here")
    print("The vault is locked." if reply else "The vault is open.")
    return 0
