from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0012_words_about_roles")]

    operations = [
        migrations.AddField(
            model_name="withdrawal",
            name="refused",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
    ]
