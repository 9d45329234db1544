"""Claims lodged before the book of consents: their purposes become its first rows, in the table's own terms."""

from django.db import migrations


def enter(apps, schema_editor):
    from answerable.vault.consent import rules

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.compartments', '*', true)")
    Consent = apps.get_model("vault", "Consent")
    for claim in apps.get_model("reparations", "Claim").objects.all().iterator(500):
        for purpose in claim.purposes:
            terms = rules.default_terms(purpose, on=claim.lodged_at.date())
            Consent.objects.create(
                subject=claim.ref, compartment=claim.compartment, purpose=purpose, given=True, audience=list(terms.audience),
                identifiability=terms.identifiability, expires_on=terms.expires_on, language=claim.language,
                understanding_checked=True, withdrawal_channel_told=True, given_at=claim.lodged_at, recorded_by="CLOCK",
            )


class Migration(migrations.Migration):
    dependencies = [("reparations", "0001_initial"), ("vault", "0002_consent")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
