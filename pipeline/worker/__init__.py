"""The worker: takes the runs of deals through their stages, under a lease."""
