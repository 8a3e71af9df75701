"""What people can do to the queue. Each operation is one transaction with one audit row, done or refused."""
