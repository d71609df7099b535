"""What is true: frozen msgspec structs, no I/O, imports only base. The names here are the vocabulary of every layer."""
