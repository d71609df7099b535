"""One file per kind of rollout: what it watches, raw objects -> model.Rollout, verb -> its guarded plan."""
