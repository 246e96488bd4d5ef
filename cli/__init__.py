"""The command line: each file parses, calls one function of gluon_ref, and prints the result."""
