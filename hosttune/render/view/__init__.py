"""One noun a file, named as its type is: `document(noun, verbose)` says what it says."""
