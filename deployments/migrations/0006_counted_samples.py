"""Count the requests that were drawn for the sample: those that were kept, and those that were left out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0005_merged_requests")]

    operations = [
        migrations.AddField(
            model_name="traffic",
            name="sampled",
            field=models.PositiveBigIntegerField(default=0, help_text="Requests that were kept as samples."),
        ),
        migrations.AddField(
            model_name="traffic",
            name="unsampled",
            field=models.PositiveBigIntegerField(default=0, help_text="Requests drawn for the sample and left out."),
        ),
    ]
