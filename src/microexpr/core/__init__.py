"""What everything else stands on: records, errors, the registry, settings, files, executors, progress."""
