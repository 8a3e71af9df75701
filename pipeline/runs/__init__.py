"""Every statement that creates, claims, moves or rescues a run."""
