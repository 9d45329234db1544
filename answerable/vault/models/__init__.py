"""What the vault keeps. `keys` lies in the vault's own database; whatever else is here lies with the working facts."""

from answerable.vault.consent.models import Consent, Transfer, Withdrawal
from answerable.vault.models.custody import Alert, BundleTaken, IdentityRequest, Notice, RoomRestore
from answerable.vault.models.keys import (
    Authenticator,
    ChannelDraft,
    ChannelKey,
    ChannelWrap,
    Compartment,
    DataKey,
    EscrowOfficer,
    EscrowRecord,
    HandoverPart,
    IdentityBlock,
    PersonKey,
    Reader,
    RecordKey,
    RootKey,
    SealedField,
    Seat,
    ServiceKey,
)
from answerable.vault.models.recoveries import Recovery

__all__ = [
    "Alert",
    "Authenticator",
    "BundleTaken",
    "ChannelDraft",
    "ChannelKey",
    "ChannelWrap",
    "Compartment",
    "Consent",
    "DataKey",
    "EscrowOfficer",
    "EscrowRecord",
    "HandoverPart",
    "IdentityBlock",
    "IdentityRequest",
    "Notice",
    "PersonKey",
    "Reader",
    "RecordKey",
    "Recovery",
    "RoomRestore",
    "RootKey",
    "SealedField",
    "Seat",
    "ServiceKey",
    "Transfer",
    "Withdrawal",
]
