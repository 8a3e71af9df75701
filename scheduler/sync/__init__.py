"""The HubSpot sync: what it reads, how it stores a page, and what it records about each sync."""
