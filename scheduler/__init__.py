"""When things happen: the HubSpot sync, the rescue of runs, the house-keeping."""
