"""Which database a model lives in: keys in the vault's own, everything else with the working facts."""

from __future__ import annotations

from typing import Any


class Keys:
    """Sends the vault's key tables to the database `keys`, which only the vault process (and migrations) can open."""

    def _for(self, model: Any) -> str | None:
        from answerable.vault.models.keys import IN_KEYS

        return "keys" if model._meta.app_label == "vault" and model._meta.model_name in IN_KEYS else "default"

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self._for(model)

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return self._for(model)

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return self._for(one) == self._for(other)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        from answerable.vault.models.keys import IN_KEYS

        home = "keys" if app_label == "vault" and (model_name or "").lower() in IN_KEYS else "default"
        return db == home
