"""Performance regression benchmarks of lrfact versions with asv: speed, memory and accuracy.

Speed bought with accuracy shows: every ``time_`` has a ``track_`` of the error beside it, scored by
the objective of the comparison with peers.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
