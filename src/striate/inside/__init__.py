"""Look inside: what a network makes of a picture, as values; a renderer in `report` makes pictures of them."""
