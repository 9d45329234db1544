"""What the public sees: released versions, never changed; a correction is a new version (invariant 6)."""

from __future__ import annotations

from django.db import models

from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref


def release_ref() -> str:
    return new_ref("REL")


@declares(data_class="C0", owner="publication", retention="permanent")
class Release(models.Model):
    """One public version of a finding, decision, measure or the fund's statement. Append-only."""

    ref = models.CharField(max_length=40, unique=True, default=release_ref)
    kind = models.CharField(max_length=12)
    subject = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    body = models.JSONField(default=dict)
    record_index = models.BigIntegerField()
    released_at = models.DateTimeField()

    class Meta:
        ordering = ["-released_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["subject", "version"], name="one_release_per_version")]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"
