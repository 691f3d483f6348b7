"""Rules that read a rank off singular values: one rule a file, numbers in, choice out."""

from ._choice import RankChoice, RuleNotApplicableError
from ._energy import energy_rank
from ._gap import gap_rank
from ._gavish_donoho import gavish_donoho_rank
from ._minka import minka_rank
from ._parallel_analysis import parallel_analysis_rank
from ._settle import RANK_RULES, RankRule, rank_rule, settle_rank
from ._spectrum import Spectrum

__all__ = [
    "RANK_RULES",
    "RankChoice",
    "RankRule",
    "RuleNotApplicableError",
    "Spectrum",
    "energy_rank",
    "gap_rank",
    "gavish_donoho_rank",
    "minka_rank",
    "parallel_analysis_rank",
    "rank_rule",
    "settle_rank",
]
