"""An account has a T grade and nothing else has (R-VER-0); who confirmed it is counted from what assessors recorded.

What an item of the wrong kind was graded is taken away, not translated: it supports nothing until an assessor grades it.
Levels follow when everything is worked out again from items (patterns/live.py, recompute).
"""

from django.db import migrations, models
from django.db.models import F, Q

from answerable.monitoring import grades


def refit(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.compartments', '*', true)")
    items = apps.get_model("monitoring", "SourceItem").objects.all()
    accounts = items.filter(kind__in=sorted(grades.ACCOUNTS))
    accounts.update(reliability="", credibility=0, assessors=0)
    accounts.exclude(testimony__in=["", *grades.TESTIMONY_SCALE]).update(testimony="")
    others = items.exclude(kind__in=sorted(grades.ACCOUNTS))
    others.update(testimony="", assessors=0)
    others.exclude(reliability__in=grades.RELIABILITY_SCALE, credibility__in=grades.CREDIBILITY_SCALE).update(
        reliability="", credibility=0
    )
    given = apps.get_model("monitoring", "Assessment").objects.all()
    same = given.filter(testimony=F("item__testimony")).exclude(testimony="")
    counts = same.exclude(assessor=F("item__incident__collected_by")).order_by().values("item")
    for row in counts.annotate(n=models.Count("assessor", distinct=True)):
        items.filter(pk=row["item"]).update(assessors=row["n"])
    # The foreign keys these updates deferred are checked now, so that the constraint can be added in this transaction.
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0012_what_windows_compare_with")]
    operations = [
        migrations.AlterField(
            "sourceitem", "assessors", models.PositiveSmallIntegerField(default=0, editable=False)
        ),
        migrations.RemoveConstraint("sourceitem", "R_VER_0_no_A_to_F_grade_for_a_survivor"),
        migrations.RunPython(refit, migrations.RunPython.noop),
        migrations.AddConstraint(
            "sourceitem",
            models.CheckConstraint(
                condition=(
                    Q(kind__in=["testimony"], reliability="", credibility=0)
                    & Q(testimony__in=["", "T1", "T2", "T3", "T4"])
                )
                | (
                    ~Q(kind__in=["testimony"])
                    & Q(testimony="")
                    & (
                        Q(reliability="", credibility=0)
                        | Q(reliability__in=("A", "B", "C", "D", "E", "F"), credibility__in=(1, 2, 3, 4, 5, 6))
                    )
                ),
                name="R_VER_0_an_account_has_a_T_grade_and_nothing_else_has",
            ),
        ),
    ]
