"""Networks: one paper, one file. An `Architecture` holds the settings of a network and builds its torch module."""

from .base import NETWORKS, Architecture, Dropout
from .checks import check_network

__all__ = ["NETWORKS", "Architecture", "Dropout", "check_network"]
