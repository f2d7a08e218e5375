"""Relations among the columns of a table, found without saying which column is the label.

    find_relations   sums of functions of single columns that are nearly constant in every row

>>> from kan_np.relations import find_relations
"""

from kan_np.relations.find import find_relations
from kan_np.relations.relation import Relation, Relations

__all__ = ["Relation", "Relations", "find_relations"]
