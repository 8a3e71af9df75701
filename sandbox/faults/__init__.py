"""WHAT GOES WRONG: faults that a test asks for, from a refusal in HubSpot's words to a connection that breaks."""
