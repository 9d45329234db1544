from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reparations", "0005_corrections_of_her_file")]

    operations = [
        migrations.AddField(model_name="claim", name="urgent_due_at", field=models.DateTimeField(null=True)),
    ]
