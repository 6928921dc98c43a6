"""The records of reviews: cases, the visits of their steps, acts, reviewers' seats, returns, promises, appeals.

All of a case's records and its state in the engine change in one transaction with the act that changes them
(`pages/acting.py`). Names of people and the words of acts stay here; the lake has what was done and when.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from scicity.domains.reviews.bpmn import STAGES
from scicity.domains.reviews.conditions import OUTCOMES, SUPPLIES
from scicity.records.models import OneByOne, Record

STATES = ("open", "passed", "refused", "withdrawn")
PARTIES = ("applicant", "authority")
DEEDS = (
    *("opened", "submitted", "assigned", "opinion", "decided", "withdrawn", "appealed", "appeal_decided", "reopened"),
    *("migrated", "published"),
)
OPINIONS = ("agree", "agree_with_remarks", "disagree")
RETURN_KINDS = ("return", "gap")
LONGEST = 4_000  # characters of words
READERS: dict[str, tuple[str, ...]] = dict.fromkeys(("reviewer", "expert", "leader", "officer"), ("view",))


def _choices(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


class Joined(models.Manager.from_queryset(OneByOne)):  # type: ignore[misc]
    """Records with their case at hand, so that publishing asks once."""

    def get_queryset(self) -> Any:
        """All, each with its case."""
        return super().get_queryset().select_related("case")


class WithVersion(models.Manager.from_queryset(OneByOne)):  # type: ignore[misc]
    """Cases with the version of their process at hand."""

    def get_queryset(self) -> Any:
        """All, each with its version, but for the text of the file."""
        return super().get_queryset().select_related("version").defer("version__text")


class ProcessVersion(Record):
    """A process as its file was when a case was first opened in it, or moved to it; a running case stays with its version."""

    RIGHTS: ClassVar = {"authority": ("add", "view"), "applicant": ("view",), **READERS}

    process = models.CharField("流程 · process", max_length=60)
    version = models.PositiveIntegerField("版本 · version")
    digest = models.CharField(max_length=64)
    text = models.TextField()
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ("process", "version")
        verbose_name = "流程版本 · version of a process"
        verbose_name_plural = "流程版本 · versions of processes"
        constraints = (
            models.UniqueConstraint(fields=["process", "version"], name="one_version_of_a_process"),
            models.UniqueConstraint(fields=["process", "digest"], name="one_digest_of_a_process"),
        )

    def __str__(self) -> str:
        return f"{self.process} {self.version}"


class Project(Record):
    """A project that the register does not hold."""

    TABLE = "reviews.project_entered"
    RIGHTS: ClassVar = {"applicant": ("add", "view"), "authority": ("add", "change", "view"), **READERS}

    project = models.SlugField("项目 · project", max_length=60, unique=True)
    parcel = models.CharField("地块 · parcel", max_length=60)
    building = models.CharField("建筑 · building", max_length=60, blank=True)
    name_zh = models.CharField("名称 · name in Chinese", max_length=200)
    name_en = models.CharField("英文名称 · name in English", max_length=200)
    use = models.CharField("用途 · use", max_length=60, blank=True)
    floor_area = models.FloatField("建筑面积 · floor area", null=True, blank=True, validators=[MinValueValidator(0)])

    class Meta:
        ordering = ("project",)
        verbose_name = "项目 · project"
        verbose_name_plural = "项目 · projects"

    def __str__(self) -> str:
        return str(self.project)


class Case(Record):
    """A project's way through a version of a process."""

    TABLE = "reviews.case"
    RIGHTS: ClassVar = {"applicant": ("add", "view"), "authority": ("change", "view"), **READERS}

    review_case = models.CharField("编号 · number", max_length=20, unique=True)
    project = models.CharField("项目 · project", max_length=60, db_index=True)
    parcel = models.CharField("地块 · parcel", max_length=60)
    building = models.CharField("建筑 · building", max_length=60, blank=True)
    version = models.ForeignKey(ProcessVersion, models.PROTECT)
    supply_kind = models.CharField("供地方式 · supply", max_length=20, choices=_choices(SUPPLIES))
    applicant = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_cases")
    applicant_name = models.CharField("申请单位 · applicant", max_length=200)
    case_state = models.CharField("状态 · state", max_length=20, choices=_choices(STATES), default="open", db_index=True)
    opened_on = models.DateField("受理日期 · opened on")
    closed_on = models.DateField("办结日期 · closed on", null=True, blank=True)
    published = models.BooleanField("公开 · published", default=False)

    objects = WithVersion()

    class Meta:
        ordering = ("-review_case",)
        verbose_name = "评审案件 · case"
        verbose_name_plural = "评审案件 · cases"
        constraints = (
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(case_state="open"),
                name="one_open_case_of_a_project",
                violation_error_message="此项目已有在办案件 · the project has an open case already",
            ),
        )

    def __str__(self) -> str:
        return str(self.review_case)

    @property
    def process(self) -> str:
        """The process it runs in."""
        return str(self.version.process)

    @property
    def process_version(self) -> int:
        """The version of that process."""
        return int(self.version.version)

    @property
    def subject(self) -> str:
        """What its documents and notices are about."""
        return f"reviews.case:{self.pk}"


class CaseState(models.Model):
    """Where a case is in the engine: written in the transaction of each act, and always what the acts lead to when replayed."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="state")
    text = models.TextField()
    acts = models.PositiveIntegerField()  # how many acts it is the state after

    class Meta:
        verbose_name = "案件流程状态 · state of a case"
        verbose_name_plural = "案件流程状态 · states of cases"

    def __str__(self) -> str:
        return f"{self.case_id}: {self.acts}"


class OfCase(Record):
    """A record of one case, published with the case's number."""

    RIGHTS: ClassVar = {"applicant": ("view",), "authority": ("view",), **READERS}

    case = models.ForeignKey(Case, models.PROTECT)

    objects = Joined()

    class Meta:
        abstract = True

    @property
    def review_case(self) -> str:
        """The number of its case."""
        return str(self.case.review_case)


class Visit(OfCase):
    """One time that a step of a case is open."""

    TABLE = "reviews.stage"

    visit = models.PositiveIntegerField()
    process_step = models.CharField(max_length=60)
    stage = models.CharField(max_length=20, choices=_choices(STAGES))
    party = models.CharField(max_length=20, choices=_choices(PARTIES))
    entered_at = models.DateTimeField()
    entered_on = models.DateField()
    left_at = models.DateTimeField(null=True, blank=True)
    left_on = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    days_allowed = models.PositiveIntegerField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True, choices=_choices(OUTCOMES))

    class Meta(OfCase.Meta):
        abstract = False
        ordering = ("case", "visit")
        verbose_name = "步骤经过 · visit of a step"
        verbose_name_plural = "步骤经过 · visits of steps"
        constraints = (models.UniqueConstraint(fields=["case", "visit"], name="one_visit_of_a_number"),)
        indexes = (models.Index(fields=["left_at", "party"], name="open_visits"),)

    def __str__(self) -> str:
        return f"{self.case_id}/{self.visit} {self.process_step}"


class Act(OfCase):
    """What somebody did in a case; written once."""

    TABLE = "reviews.act"

    act_number = models.PositiveIntegerField()
    review_act = models.CharField(max_length=20, choices=_choices(DEEDS))
    visit = models.ForeignKey(Visit, models.PROTECT, null=True, blank=True)
    process_step = models.CharField(max_length=60, blank=True)
    stage = models.CharField(max_length=20, blank=True)
    party = models.CharField(max_length=20, choices=_choices(PARTIES))
    outcome = models.CharField(max_length=20, blank=True)
    acted_at = models.DateTimeField()
    acted_on = models.DateField()
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    words = models.TextField(blank=True, max_length=LONGEST)
    conditions = models.TextField(blank=True, max_length=LONGEST)
    told = models.JSONField(default=dict, blank=True)

    class Meta(OfCase.Meta):
        abstract = False
        ordering = ("case", "act_number")
        verbose_name = "评审行为 · act"
        verbose_name_plural = "评审行为 · acts"
        constraints = (models.UniqueConstraint(fields=["case", "act_number"], name="one_act_of_a_number"),)

    def __str__(self) -> str:
        return f"{self.case_id}/{self.act_number} {self.review_act}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps a new act. Raises ValueError for one that is kept already."""
        if self.pk is not None:
            raise ValueError("an act is never changed; another one follows it")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises ValueError: an act stays."""
        raise ValueError("an act is never deleted")


class Seat(OfCase):
    """Somebody's place at one visit of a review, and the opinion that was given from it."""

    RIGHTS: ClassVar = {
        "authority": ("add", "change", "view"),
        "reviewer": ("change", "view"),
        "expert": ("change", "view"),
        "leader": ("view",),
        "officer": ("view",),
    }

    visit = models.ForeignKey(Visit, models.PROTECT, related_name="seats")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_seats")
    opinion = models.CharField(max_length=20, blank=True, choices=_choices(OPINIONS))
    words = models.TextField(blank=True, max_length=LONGEST)
    given_at = models.DateTimeField(null=True, blank=True)

    class Meta(OfCase.Meta):
        abstract = False
        ordering = ("visit", "pk")
        verbose_name = "评审席位 · reviewer's seat"
        verbose_name_plural = "评审席位 · reviewers' seats"
        constraints = (models.UniqueConstraint(fields=["visit", "person"], name="one_seat_at_a_visit"),)

    def __str__(self) -> str:
        return f"{self.visit_id} {self.person_id}"


class Return(OfCase):
    """What was returned to be mended, or was taken in with a gap; open until the authority accepts what came."""

    kind = models.CharField(max_length=10, choices=_choices(RETURN_KINDS))
    visit = models.ForeignKey(Visit, models.PROTECT)
    stage = models.CharField(max_length=20)
    words = models.TextField(max_length=LONGEST)
    opened_on = models.DateField()
    answer = models.TextField(blank=True, max_length=LONGEST)
    answered_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)

    class Meta(OfCase.Meta):
        abstract = False
        ordering = ("case", "pk")
        verbose_name = "退回事项 · return"
        verbose_name_plural = "退回事项 · returns"

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.pk}"


class Promise(OfCase):
    """A number that the applicant is held to in operation."""

    TABLE = "reviews.promise"

    promise_measure = models.CharField(max_length=60)
    promise_value = models.FloatField()
    symbol = models.CharField(max_length=40, blank=True)
    stage = models.CharField(max_length=20)
    decided_on = models.DateField()

    class Meta(OfCase.Meta):
        abstract = False
        ordering = ("case", "promise_measure")
        verbose_name = "承诺 · promise"
        verbose_name_plural = "承诺 · promises"
        constraints = (models.UniqueConstraint(fields=["case", "promise_measure"], name="one_promise_of_a_measure"),)

    def __str__(self) -> str:
        return f"{self.case_id} {self.promise_measure}"

    @property
    def project(self) -> str:
        """The project that promised."""
        return str(self.case.project)

    @property
    def building(self) -> str:
        """The building that is held to it, where it is known."""
        return str(self.case.building)


class Appeal(OfCase):
    """An objection to a decision; somebody else than who decided decides of it."""

    against = models.ForeignKey(Act, models.PROTECT, related_name="appeals")
    words = models.TextField(max_length=LONGEST)
    filed_on = models.DateField()
    due_on = models.DateField()
    outcome = models.CharField(max_length=20, blank=True, choices=_choices(("upheld", "dismissed")))
    reason = models.TextField(blank=True, max_length=LONGEST)
    decided_on = models.DateField(null=True, blank=True)

    class Meta(OfCase.Meta):
        abstract = False
        ordering = ("case", "pk")
        verbose_name = "申诉 · appeal"
        verbose_name_plural = "申诉 · appeals"
        constraints = (
            models.UniqueConstraint(fields=["case"], condition=models.Q(outcome=""), name="one_open_appeal_of_a_case"),
        )

    def __str__(self) -> str:
        return f"{self.case_id} {self.outcome or 'open'}"
