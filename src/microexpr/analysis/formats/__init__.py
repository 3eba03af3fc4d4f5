"""Files of events: CSV, JSON, ELAN."""
