"""`python -m hosttune` is `hosttune`."""

from hosttune.cli import main

if __name__ == "__main__":
    main()
