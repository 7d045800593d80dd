"""Search: pictures as vectors, kept in an index; which are alike, exactly. No torch."""
