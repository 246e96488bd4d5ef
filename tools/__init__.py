"""Programs behind the make targets; the installed package holds none of them."""
