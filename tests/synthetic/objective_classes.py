"""Table 9 of Merghani, Davison and Yap 2018 (arXiv 1805.02397), where 40 is a misprint of 10.

The table agrees with the objective classes of the releases on 250 of 255 clips of CASME II and on 144 of 159 of SAMM.
"""

import re

SETS = {
    "I": "6 12 6+12 6+7+12 7+12",
    "II": "1+2 5 25 1+2+25 25+26 5+24",
    "III": "23 4 4+7 4+5 4+5+7 17+24 4+6+7 4+38",
    "IV": "10 9 4+9 4+10 4+5+10 4+7+9 4+9+17 4+7+10 4+5+7+9 7+10",
    "V": "1 15 1+4 6+15 15+17",
    "VI": "1+2+4 20",
}
CLASS_OF = {frozenset(units.split("+")): name for name, sets in SETS.items() for units in sets.split()}


def objective_class(cell: str) -> str:
    """Objective class of a cell of action units such as `4+L10`; sets that are not in the table are VII."""
    return CLASS_OF.get(frozenset(re.findall(r"\d+", cell)), "VII")
