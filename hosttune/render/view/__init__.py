"""What is shown of each noun: one file a noun."""
