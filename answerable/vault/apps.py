from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "answerable.vault"
    label = "vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from django.conf import settings

        from answerable.common.hooks import question
        from answerable.vault import client, entities, notices  # noqa: F401
        from answerable.vault.consent import entities as _gate  # noqa: F401 - the gate and what waits

        question("record_salt").answer_with(client.salt)
        question("record_salts").answer_with(client.salts)
        question("proves_themselves").answer_with(client.prove)
        question("role_given").answer_with(client.give_role)
        question("access_changed").answer_with(client.end_sessions_of)
        question("waits_for").answer_with(notices.waits_for)
        from answerable.vault.custody import entities as _requests  # noqa: F401 - how requests look, and what waits

        if settings.VAULT_TRANSPORT == "here":
            from answerable.vault.consent import operations as _shredding  # noqa: F401
            from answerable.vault.custody import operations as _custody  # noqa: F401
            from answerable.vault.operations import compartments, entering, granting, locking, sealing  # noqa: F401
