"""Packed points, and a hint at how much of a series is not packed yet.

Blocks are written all day, so their foreign key (a look at the series for every row) gives way to a trigger that acts
once a deletion. A series' row is locked while a block of it is written, so neither outlives the other.
"""

import django.db.models.deletion
from django.db import migrations, models

DELETE_BLOCKS = """
    CREATE FUNCTION experiments_delete_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM experiments_metricblock AS block USING gone WHERE block.series_id = gone.id;
        RETURN NULL;
    END $$;

    CREATE TRIGGER delete_blocks AFTER DELETE ON experiments_metricseries
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION experiments_delete_blocks();

    ALTER TABLE experiments_metricblock DROP CONSTRAINT metric_block_series;
"""

KEEP_BLOCKS = """
    ALTER TABLE experiments_metricblock ADD CONSTRAINT metric_block_series
        FOREIGN KEY (series_id) REFERENCES experiments_metricseries (id) ON DELETE CASCADE;
    DROP TRIGGER delete_blocks ON experiments_metricseries;
    DROP FUNCTION experiments_delete_blocks();
"""

# Packed columns are compressed already, and previews are read alone: neither is worth compressing again.
STORE_AS_IT_IS = """
    ALTER TABLE experiments_metricchunk
        ALTER COLUMN steps   SET STORAGE EXTERNAL,
        ALTER COLUMN times   SET STORAGE EXTERNAL,
        ALTER COLUMN values  SET STORAGE EXTERNAL,
        ALTER COLUMN preview SET STORAGE EXTERNAL;
    ALTER TABLE experiments_metricchunk ADD CONSTRAINT metric_chunk_series
        FOREIGN KEY (series_id) REFERENCES experiments_metricseries (id) ON DELETE CASCADE;
"""

# What was written before is looked at once.
COUNT_LOOSE = """
    UPDATE experiments_metricseries AS series
       SET loose = found.loose
      FROM (SELECT series_id, sum(16 + cardinality(steps)) AS loose FROM experiments_metricblock GROUP BY 1) AS found
     WHERE found.series_id = series.id
"""


class Migration(migrations.Migration):
    dependencies = [("experiments", "0005_saved_views")]

    operations = [
        migrations.AddField(
            "metricseries",
            "loose",
            models.IntegerField(
                default=0, db_default=0, help_text="A hint at what is not packed: its points, and 16 a block."
            ),
        ),
        migrations.AddIndex(
            "metricseries",
            models.Index(fields=["id"], condition=models.Q(loose__gte=128), name="metric_series_loose"),
        ),
        migrations.CreateModel(
            name="MetricChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("points", models.IntegerField()),
                ("min_step", models.BigIntegerField()),
                ("max_step", models.BigIntegerField()),
                ("min_ms", models.BigIntegerField()),
                ("max_ms", models.BigIntegerField()),
                ("steps", models.BinaryField()),
                ("times", models.BinaryField()),
                ("values", models.BinaryField()),
                ("preview", models.BinaryField()),
                (
                    "series",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="experiments.metricseries",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(STORE_AS_IT_IS, migrations.RunSQL.noop),
        migrations.RunSQL(DELETE_BLOCKS, KEEP_BLOCKS),
        migrations.RunSQL(COUNT_LOOSE, migrations.RunSQL.noop),
    ]
