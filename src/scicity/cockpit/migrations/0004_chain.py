"""The audit trail becomes a chain; the entries that there are are chained in the order in which they were written."""

import django.utils.timezone
from django.db import migrations, models

from scicity.cockpit import chain


def chained(apps, schema_editor):
    entries = apps.get_model("cockpit", "AuditEntry").objects
    number, digest = 0, chain.BEGINNING
    for entry in entries.order_by("id").iterator(chunk_size=1000):
        number += 1
        entry.number, entry.previous, entry.who_number = number, digest, entry.who_id
        entry.before, entry.after = chain.plain(entry.before), chain.plain(entry.after)
        entry.who_name, entry.subject = chain.clean(entry.who_name), chain.clean(entry.subject)
        digest = entry.digest = chain.digest_of(entry.__dict__, digest)
        entry.save()
    apps.get_model("cockpit", "AuditHead").objects.create(pk=1, number=number, digest=digest)


class Migration(migrations.Migration):
    dependencies = [
        ("cockpit", "0003_enterprise"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField(default=0)),
                ("digest", models.CharField(default=chain.BEGINNING, max_length=64)),
            ],
        ),
        migrations.AlterModelOptions(
            name="auditentry",
            options={
                "ordering": ("-number",),
                "verbose_name": "审计记录 · audit entry",
                "verbose_name_plural": "审计记录 · audit trail",
            },
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="at",
            field=models.DateTimeField(db_index=True, default=django.utils.timezone.now, editable=False),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="who_name",
            field=models.CharField(blank=True, db_index=True, max_length=150),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="number",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="who_number",
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="previous",
            field=models.CharField(editable=False, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="auditentry",
            name="digest",
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.RunPython(chained, migrations.RunPython.noop),
    ]
