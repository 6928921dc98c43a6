"""Writes to the audit trail as pages do, from a process of its own: `python -m tests.documents.writing NAME COUNT`.

Entries by themselves, saves of records in transactions that also save others in another order, and some that are rolled back.
"""

from __future__ import annotations

import sys


def main(name: str, count: int) -> None:
    """Writes so many rounds of three entries that are kept and one that is not."""
    from scicity.cockpit.first import _set_up

    _set_up()
    from django.db import transaction

    from scicity.cockpit import audit
    from scicity.documents.models import Document

    mine = Document(subject=f"energy.case:{name}", kind="note", title=name)
    mine.save()
    for number in range(count):
        audit.write("tried", f"{name} {number}", {"was": number / 7}, {"is": 1e-7 * number, "text": "图\x00", "big": 1e22})
        with transaction.atomic():
            others = list(Document.objects.order_by("pk" if len(name) % 2 else "-pk"))[:3]
            mine.title = f"{name} {number}"
            mine.save()
            for other in others:
                if other.pk != mine.pk:
                    other.because = name
                    other.save()
        try:
            with transaction.atomic():
                audit.write("not-kept", name)
                raise LookupError
        except LookupError:
            pass


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
