"""The Kubernetes API over the store: routes, negotiation, authorization, verbs and streams."""
