"""
bqemulator, with a DuckDB connection for each of its threads. By itself it shares one between the loop that serves REST and the threads
that serve the Storage Write API; both at once then wait for each other for good.
"""

import threading

from bqemulator.cli import main
from bqemulator.storage.engine import DuckDBEngine

own = threading.local()
shared = DuckDBEngine.connection.fget


def connection(engine):
    if threading.current_thread() is threading.main_thread():
        return shared(engine)
    if getattr(own, "connection", None) is None:
        own.connection = shared(engine).cursor()
        own.connection.execute("SET TimeZone = 'UTC'")
    return own.connection


DuckDBEngine.connection = property(connection)
main()
