"""Kubernetes: credentials, reflector (list+watch), pod log streams, rights."""
