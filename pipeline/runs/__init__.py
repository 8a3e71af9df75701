"""Every statement that makes, claims, moves or rescues a run."""
