"""OCI: retention, equivalence of digests, signatures, provenance."""
