"""What the keys of cases are called, in both languages, with the badge that a state is shown by."""

from __future__ import annotations

STAGES = {
    "scheme": ("方案设计", "Scheme design"),
    "preliminary": ("初步设计", "Preliminary design"),
    "drawings": ("施工图设计", "Construction drawings"),
    "permit": ("开工许可", "Start of construction"),
    "construction": ("施工", "Construction"),
    "completion": ("竣工验收", "Completion"),
    "operation": ("运营", "Operation"),
}
STATES = {
    "open": ("办理中", "open", "reported"),
    "passed": ("已通过", "passed", "good"),
    "refused": ("不予通过", "refused", "bad"),
    "withdrawn": ("已撤回", "withdrawn", "old"),
}
OUTCOMES = {
    "passed": ("通过", "passed", "good"),
    "returned": ("退回整改", "returned", "estimated"),
    "refused": ("不予通过", "refused", "bad"),
}
PARTIES = {"applicant": ("申请方", "applicant"), "authority": ("审批方", "authority")}
SUPPLIES = {"covenant": ("约定书", "covenant"), "market": ("上市供地", "on the market")}
KINDS = {"mandatory": ("必选", "mandatory"), "optional": ("可选", "optional")}
REVIEWS = {
    "verified": ("已核对", "verified", "good"),
    "unverified": ("未核对原文", "text not seen", "estimated"),
    "stand-in": ("示意", "stand-in", "stand-in"),
}
OPINIONS = {
    "agree": ("同意", "agree", "good"),
    "agree_with_remarks": ("修改后同意", "agree with remarks", "estimated"),
    "disagree": ("不同意", "disagree", "bad"),
}
ACTS = {
    "opened": ("提出申请", "applied"),
    "submitted": ("提交", "submitted"),
    "assigned": ("指派评审人", "gave seats"),
    "opinion": ("评审意见", "opinion"),
    "decided": ("决定", "decided"),
    "withdrawn": ("撤回", "withdrew"),
    "appealed": ("申诉", "appealed"),
    "appeal_decided": ("申诉决定", "decided of the appeal"),
    "reopened": ("重开步骤", "opened the step again"),
    "migrated": ("迁移流程版本", "moved to another version"),
    "published": ("公开", "published"),
}
APPEALS = {"upheld": ("成立", "upheld", "good"), "dismissed": ("驳回", "dismissed", "bad"), "": ("待决", "open", "estimated")}
STEP_ACTS = {"submit": ("提交", "submission"), "accept": ("受理", "acceptance"), "review": ("评审", "review")}
BASES = {"working": ("工作日", "working days"), "calendar": ("自然日", "calendar days")}
COMPARATORS = {">=": "≥", "<=": "≤", "=": "=", ">": ">", "<": "<", "text": ""}
GAPS = {"allow": ("可容缺", "gaps allowed"), "close": ("补齐后通过", "gaps closed here")}
