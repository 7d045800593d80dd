"""One module a user action: takes values, returns a value, prints nothing."""
