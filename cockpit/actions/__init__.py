"""The only code that can change a cluster: plans, tiers, pre-flight, gateway, verification."""
