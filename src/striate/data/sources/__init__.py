"""Sources: where pictures and what is known of them come from."""
