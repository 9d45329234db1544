from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "answerable.vault"
    label = "vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from django.conf import settings

        from answerable.common.hooks import question
        from answerable.vault import client

        question("record_salt").answer_with(client.salt)
        question("record_salts").answer_with(client.salts)
        from answerable.vault.custody import entities  # noqa: F401 - how requests look, and what waits for whom

        if settings.VAULT_TRANSPORT == "here":
            from answerable.vault import operations  # noqa: F401 - the vault answers in this process
            from answerable.vault.custody import operations as custody  # noqa: F401
