"""The installed command under faults made between two sockets; what was sent is proven by the proxy."""
