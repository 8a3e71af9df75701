"""What every process needs and nothing of ours above: settings, database, errors, clock, logs."""
