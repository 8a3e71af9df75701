"""WHAT GOES WRONG: the faults that a test requests, from one of HubSpot's errors to a broken connection."""
