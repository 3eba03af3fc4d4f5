"""Formats of reports, one a file; each registers itself in `REPORT_FORMATS`."""
