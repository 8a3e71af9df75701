"""The stage `write_back`: the deal's properties, a note and a task in HubSpot; unless WRITE_BACK is on, a dry run."""
