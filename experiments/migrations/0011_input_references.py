"""Inputs of runs get the names of their versions, which stay when a version goes."""

from django.db import migrations
from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.db.models import CharField


def name_inputs(apps, _schema_editor):
    inputs = apps.get_model("experiments", "RunInput")
    versions = apps.get_model("experiments", "DatasetVersion")
    said = Concat(F("dataset__name"), Value("@"), Cast("number", CharField()), output_field=CharField())
    found = versions.objects.filter(pk=OuterRef("version_id")).annotate(said=said).values("said")
    while batch := list(inputs.objects.filter(reference="").values_list("pk", flat=True)[:1000]):
        inputs.objects.filter(pk__in=batch).update(reference=Subquery(found[:1]))


class Migration(migrations.Migration):
    dependencies = [("experiments", "0010_object_stores")]

    operations = [migrations.RunPython(name_inputs, migrations.RunPython.noop)]
