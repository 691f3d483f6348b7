"""Arrays in, frozen result out: one algorithm per file."""
