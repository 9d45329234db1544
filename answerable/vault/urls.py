from django.urls import path

from answerable.vault import house, own_keys

urlpatterns = [
    path("keys/", own_keys.keys, name="keys"),
    path("keys/passkeys/add/", own_keys.add_passkey, name="add-passkey"),
    path("keys/passkeys/end/", own_keys.end_passkey, name="end-passkey"),
    path("keys/passphrase/", own_keys.change_passphrase, name="change-passphrase"),
    path("keys/new/", own_keys.recoveries, name="recoveries"),
    path("keys/new/ask/", own_keys.ask_recovery, name="ask-recovery"),
    path("keys/new/<str:ref>/", own_keys.recovery, name="recovery"),
    path("vault/", house.vault_page, name="vault"),
    path("vault/half/", house.bring_half, name="bring-half"),
    path("vault/lock/", house.lock_vault, name="lock-vault"),
    path("vault/readers/admit/", house.admit_reader, name="admit-reader"),
    path("vault/readers/remove/", house.remove_reader, name="remove-reader"),
    path("vault/rotate/", house.rotate, name="rotate-compartment"),
]
