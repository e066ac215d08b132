"""What other tools take to run hosttune, as text: one file a hook. Pure; commands/ writes it."""
