"""An OCI registry for the images of the world: real digests, multi-arch indexes, signatures, lost artifacts."""
