"""Notices, and how far their letters have come."""

from __future__ import annotations

from django.conf import settings
from django.db import models

LONGEST_HEAD = 200
LONGEST_TEXT = 4000
LONGEST_ONCE = 190
STATES = (
    ("waiting", "待发送 · waiting"),
    ("sent", "已发送 · sent"),
    ("failed", "未送达 · not delivered"),
    ("page", "仅网页 · on the page alone"),  # there is no address to write to
)


class Notice(models.Model):
    """What one person is told. Its letter has one Message-ID for ever, so that one that comes twice is known as the same."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    subject = models.CharField(max_length=190, blank=True, db_index=True)
    text_zh = models.TextField(max_length=LONGEST_TEXT)
    text_en = models.TextField(max_length=LONGEST_TEXT)
    about = models.CharField(max_length=300, blank=True)
    once = models.CharField(max_length=LONGEST_ONCE, blank=True, db_index=True)  # names what is told of but once
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    message_id = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=20, choices=STATES, default="waiting")
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-made_at", "-pk")
        verbose_name = "通知 · notice"
        verbose_name_plural = "通知 · notices"
        indexes = (
            models.Index(fields=["state", "due_at"], name="notices_due"),
            models.Index(fields=["person", "read_at", "-made_at"], name="notices_of_a_person"),
        )

    def __str__(self) -> str:
        return f"{self.person_id}: {self.head_en}"

    @property
    def head_zh(self) -> str:
        """The first line of the Chinese text."""
        return self.text_zh.partition("\n")[0][:LONGEST_HEAD]

    @property
    def head_en(self) -> str:
        """The first line of the English text."""
        return self.text_en.partition("\n")[0][:LONGEST_HEAD]

    @property
    def body_zh(self) -> str:
        """What follows the first line of the Chinese text."""
        return self.text_zh.partition("\n")[2].strip()

    @property
    def body_en(self) -> str:
        """What follows the first line of the English text."""
        return self.text_en.partition("\n")[2].strip()
