"""What a page for a browser is made of: its style, its charts, and how its tables are sorted."""
