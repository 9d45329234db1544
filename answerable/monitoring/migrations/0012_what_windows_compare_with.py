"""Indicators keep the days they count on; reports keep between which days they lie, where a range or an "about" said so.

What each incident adds now holds areas by their keys. It is emptied; the clock works it out again, with every window, as after an update from a version
without windows (patterns.actions.owed).
"""

from django.db import migrations, models
from django.db.models import F, Q


def bring_over(apps, schema_editor):
    """From the draft a report was filed or corrected from: its date as it was told."""
    from answerable.common import edtf

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.compartments', '*', true)")
    Incident = apps.get_model("monitoring", "Incident")
    told = apps.get_model("monitoring", "Draft").objects.filter(status__in=["FILED", "TAKEN_OVER"])
    told = told.filter(Q(precision="range") | Q(when__regex="[~?%]")).order_by("version")
    for ref, corrects, when, version in told.values_list("ref", "corrects", "when", "version").iterator(500):
        report, when = corrects or ref, edtf.parse(when)
        later = apps.get_model("monitoring", "Draft").objects.filter(
            corrects=report, status="TAKEN_OVER", version__gt=version
        )
        if later.exists():
            continue
        earliest, latest = when.possible
        # A report that was cleared after a withdrawal keeps nothing of what was told.
        here = Incident.objects.filter(ref=report, precision=when.precision, on=when.earliest).exclude(area1="")
        here.update(earliest=earliest, latest=latest)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0011_conflict_years_of_the_forecast")]
    operations = [
        migrations.AddField("indicator", "days", models.JSONField(default=list)),
        migrations.AddField("incident", "earliest", models.DateField(null=True)),
        migrations.AddField("incident", "latest", models.DateField(null=True)),
        migrations.RunPython(bring_over, migrations.RunPython.noop),
        migrations.AddConstraint(
            "incident",
            models.CheckConstraint(
                condition=Q(earliest=None, latest=None) | Q(earliest__lte=F("latest")),
                name="an_incident_does_not_end_before_it_begins",
            ),
        ),
        migrations.AlterField("contribution", "area1", models.CharField(blank=True, max_length=200)),
        migrations.AlterField("contribution", "area2", models.CharField(blank=True, default="", max_length=200)),
        migrations.RunSQL("DELETE FROM monitoring_contribution", migrations.RunSQL.noop),
    ]
