"""Pages of a task's own: what its plain sections cannot say."""
