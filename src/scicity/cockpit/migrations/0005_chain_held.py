"""The chain's numbers and digests, which every entry has by now, are one of a kind; and the language of each person's notices."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cockpit", "0004_chain"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="number",
            field=models.BigIntegerField(editable=False, unique=True),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="digest",
            field=models.CharField(editable=False, max_length=64, unique=True),
        ),
        migrations.AddField(
            model_name="person",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("zh", "中文"), ("en", "English")],
                help_text="通知所用的语言；未选时为城区的首选语言 · the language of notices; the district's first where none is chosen",
                max_length=10,
            ),
        ),
    ]
