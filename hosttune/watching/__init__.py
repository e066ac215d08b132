"""What watching a host comes to, decided from its looks alone: how fast, how near, when, and what may be asked next."""
