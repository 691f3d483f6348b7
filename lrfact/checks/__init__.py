"""What comes in: input, ranks and threads checked before any solver runs."""
