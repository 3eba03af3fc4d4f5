"""Records, errors, the registry, configuration, files, executors and progress, which all other folders use."""
