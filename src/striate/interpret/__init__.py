"""Look inside: what a network makes of a picture, as values; `render` makes pictures of them."""
