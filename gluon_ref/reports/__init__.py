"""Pages that show runs to a browser: what `gluonref report` is made of; reporting.py is their room."""
