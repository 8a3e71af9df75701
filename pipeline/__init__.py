"""What is done: the runs of deals through the stages, their queue, and every write that a person can ask for."""
