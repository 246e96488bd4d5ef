"""From a run or files to a verified artefact: what `gluonref export` is made of; exporting.py is its room."""
