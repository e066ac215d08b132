"""From a topology to what it carries: demand of each hop, bounds of each host, the narrowest place. Pure."""
