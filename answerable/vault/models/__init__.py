"""What the vault keeps. `keys` lies in the vault's own database; whatever else is here lies with the working facts."""

from answerable.vault.models.keys import (
    ChannelDraft,
    ChannelKey,
    ChannelWrap,
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

__all__ = ["ChannelDraft", "ChannelKey", "ChannelWrap", "Compartment", "DataKey", "IdentityBlock", "PersonKey", "Reader", "RecordKey", "RootKey", "SealedField", "Seat",
           "ServiceKey"]  # fmt: skip
