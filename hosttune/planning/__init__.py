"""A whole path of tiers: what a topology says, how many hosts it takes, and the configurations of each."""
