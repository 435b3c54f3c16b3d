"""Params that are numbers are found by what they say; fresh points are stored as they come.

Migrations run before the web does, so the index is built without the detours of a concurrent one: two million params
take some seconds.
"""

from django.db import migrations, models

from lib.search.sql import Number, is_there

# The planner knows how numbers lie only once it has looked.
LOOK = "ANALYZE experiments_runparam"

# A block of a hundred points is some 2.5 kB: to squeeze it below 2 kB, as PostgreSQL would, is a quarter of what
# writing it costs, and it is packed much better soon.
STORE_PLAINLY = "ALTER TABLE experiments_metricblock SET (toast_tuple_target = 8160)"
STORE_SQUEEZED = "ALTER TABLE experiments_metricblock RESET (toast_tuple_target)"


class Migration(migrations.Migration):
    dependencies = [("experiments", "0011_input_references")]

    operations = [
        migrations.AddIndex(
            "runparam",
            models.Index("key", Number("value"), name="run_param_number", condition=is_there(Number("value"))),
        ),
        migrations.RunSQL(LOOK, migrations.RunSQL.noop),
        migrations.RunSQL(STORE_PLAINLY, STORE_SQUEEZED),
    ]
