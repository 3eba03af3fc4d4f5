"""A report as JSON: one object a line, one line a run."""

from __future__ import annotations

import json

from ..base import REPORT_FORMATS, Report, ReportFormat


def render(report: Report) -> str:
    """One JSON object a line, one line a run."""
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in report.data)


REPORT_FORMATS.add("json", ReportFormat(".json", "one JSON object a run", render))
