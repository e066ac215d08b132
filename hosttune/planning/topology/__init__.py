"""Read a topology file: what shall be carried, and by which tiers of hosts."""
