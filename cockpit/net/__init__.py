"""One httpx stack: TLS, auth, time-outs, redaction, error taxonomy; shared by cluster, metrics, registry."""
