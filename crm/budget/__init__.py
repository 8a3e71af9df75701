"""The rate budget: how many calls HubSpot allows, how many of them are ours, and who may make the next one."""
