"""What the vault keeps. `keys` lies in the vault's own database; whatever else is here lies with the working facts."""

from answerable.vault.consent.models import Consent, Transfer, Withdrawal
from answerable.vault.models.keys import (
    Authenticator,
    Compartment,
    DataKey,
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

__all__ = ["Authenticator", "Compartment", "Consent", "DataKey", "IdentityBlock", "PersonKey", "Reader", "RecordKey", "Recovery",
           "RootKey", "SealedField", "Seat", "ServiceKey", "Transfer", "Withdrawal"]  # fmt: skip
