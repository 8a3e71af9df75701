"""When things happen: which scheduler leads, its periodic jobs, the HubSpot sync and the purge of old rows."""
