"""What travels by hand when an identity is opened: request, share, answer, and a seat's handover. No framework.

    request   the vault → both custodians   who asks for which fields, why and until when; signed with the vault's key
    share     one custodian → the other     one half of the identity key, sealed to the other seat and to this request
    answer    the custodians → one person   only the fields asked, sealed to the key that the request names
    question  the vault → each custodian    whether someone told before: who she is, sealed to the three seats alone
    blocks    the vault → a seat            every identity block, and a value sealed to the seat's present key
    handover  a seat → the vault            every block with that seat's shares sealed to its new key, and what only the
                                            holder of the old key can say about exactly these

Each is canonical JSON: any other spelling of the same content is refused, so that no byte can change unnoticed.
Shares are bound to the whole request by its hash, so that two custodians who were shown different requests under one
number open nothing. Half and half make the whole key: whoever holds a seat and the other's share could read the whole
identity with another program; that is what two seats are trusted with (security.md §2.2).
"""
