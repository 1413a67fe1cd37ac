"""A destination in memory: the reference for the contract, and for tests.

Nothing of it outlives the process. Another `MemoryDestination` over the same
`State` sees what a new process would see on a durable destination.
"""

from reinstate_service.destination.memory.destination import MemoryDestination
from reinstate_service.destination.memory.state import State, StoredAccount

__all__ = ["MemoryDestination", "State", "StoredAccount"]
