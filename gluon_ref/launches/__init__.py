"""What `gluonref launch` is made of: hosts, plans, agents that hold a process each, and who watches them."""
