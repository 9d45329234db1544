"""What the vault keeps. `keys` lies in the vault's own database; whatever else is here lies with the working facts."""

from answerable.vault.models.custody import Alert, BundleTaken, IdentityRequest, Notice, RoomRestore
from answerable.vault.models.keys import (
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

__all__ = ["Alert", "BundleTaken", "Compartment", "DataKey", "EscrowOfficer", "EscrowRecord", "HandoverPart", "IdentityBlock",
           "IdentityRequest", "Notice", "PersonKey", "Reader", "RecordKey", "RoomRestore", "RootKey", "SealedField", "Seat",
           "ServiceKey"]  # fmt: skip
