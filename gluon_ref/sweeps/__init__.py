"""What a sweep is made of: its grid, its parts and their tallies; sweeping.py is the room."""
