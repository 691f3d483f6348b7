"""What is measured, one task per file; each has a function that takes the harness's options."""
