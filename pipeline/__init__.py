"""The runs of deals through the stages, their queue, and the operations that people can request."""
