"""Who delivered a version of a report, or took one over, verifies it as little as its collector (SOD-01)."""

from typing import Any

from django.db import migrations, models


def of_before(apps: Any, editor: Any) -> None:
    """Reports that are here: who delivered each version that is still known, and who took one over by the record."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.compartments', '*', true)")
    draft, incident = apps.get_model("monitoring", "Draft"), apps.get_model("monitoring", "Incident")
    had: dict[str, set[str]] = {}
    stand = draft.objects.filter(status__in=["FILED", "TAKEN_OVER"], version__gt=1)
    for ref, corrects, organisation, identity, version in stand.values_list(
        "ref", "corrects", "organisation", "identity", "version"
    ).iterator():
        same = draft.objects.filter(organisation=organisation, identity=identity, version__lt=version)
        every = models.Q(ref=ref) | models.Q(pk__in=same.exclude(identity="").values("pk"))
        who = draft.objects.filter(every).exclude(status__in=["UNDONE", "LAPSED"])
        had.setdefault(corrects or ref, set()).update(who.values_list("collected_by__ref", flat=True))
    entry = apps.get_model("record", "Entry")
    for ref, actor in entry.objects.filter(action="report corrected").values_list("subject", "actor").iterator():
        had.setdefault(ref, set()).add(actor)
    for report in incident.objects.filter(ref__in=had).only("pk", "ref").iterator():
        incident.objects.filter(pk=report.pk).update(versions_by=sorted(had[report.ref]))
    # The foreign keys these updates deferred are checked now, so that later migrations may change the table.
    with editor.connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0023_a_grade_waits_for_a_verifier"), ("record", "0004_entries_without_a_gap")]

    operations = [
        migrations.AddField("incident", "versions_by", models.JSONField(db_default=[], default=list)),
        migrations.RunPython(of_before, migrations.RunPython.noop),
    ]
