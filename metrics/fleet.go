package metrics

// nodeStates are the states of a node of a fleet.
var nodeStates = []string{"up", "silent", "drained", "down", "removed"}

const (
	fleetSeconds  = "ringback_fleet_commit_duration_seconds"
	fleetFailures = "ringback_fleet_failures_total"
)

// fleetTable has the metrics of a fleet; a node that is alone exports none of them.
var fleetTable = []Row{
	{Name: "ringback_fleet_member", Type: Gauge, Part: Process,
		Help: "1: this node is a member of its fleet, and PostgreSQL answers. Absent without a fleet.",
		read: func(s *Snapshot, e emit) {
			if s.Fleet.Node != "" {
				e(truth(s.Fleet.Connected && s.Fleet.Member))
			}
		}},
	{Name: "ringback_fleet_owed_reports", Type: Gauge, Part: Process,
		Help: "Ends and other reports of this node that PostgreSQL has not recorded yet.",
		read: func(s *Snapshot, e emit) {
			if s.Fleet.Node != "" {
				e(float64(s.Fleet.Owed))
			}
		}},
	{Name: "ringback_fleet_forged_rows_total", Type: Counter, Part: Process,
		Help: "Rows of the fleet that did not verify with its key.",
		read: func(s *Snapshot, e emit) {
			if s.Fleet.Node != "" {
				e(float64(s.Fleet.Forged))
			}
		}},
	{Name: fleetSeconds, Type: Histogram, Labels: []Label{{Name: "operation"}}, buckets: fast,
		Help: "Time until PostgreSQL has answered, with the commit, by operation: promise, take, attempt, offer, end."},
	{Name: fleetFailures, Type: Counter, Labels: []Label{{Name: "operation"}, {Name: "result"}},
		Help: "Operations of this node that PostgreSQL has not carried out, by result: ceiling, pending, fenced, " +
			"spent, forged, away, unknown, no_member, other. Operation look: a dial that the last look held back."},
	{Name: "ringback_fleet_nodes", Type: Gauge, Part: Process, Labels: []Label{{"state", nodeStates}},
		Help: "Nodes of the fleet by state, as this node has last read them.",
		read: func(s *Snapshot, e emit) {
			if s.Fleet.Node == "" {
				return
			}
			count := map[string]int{}
			for _, n := range s.Nodes {
				count[n.State]++
			}
			for _, state := range nodeStates {
				e(float64(count[state]), state)
			}
		}},
	{Name: "ringback_fleet_node_silence_seconds", Type: Gauge, Part: Process, Labels: []Label{{Name: "node"}},
		Help: "Time since the last heartbeat of a node that is up, drained or silent, as last read.",
		read: func(s *Snapshot, e emit) {
			for _, n := range s.Nodes {
				if n.State == "up" || n.State == "drained" || n.State == "silent" {
					e(n.Silence, n.Name)
				}
			}
		}},
	{Name: "ringback_fleet_node_claims", Type: Gauge, Part: Process, Labels: []Label{{Name: "node"}},
		Help: "Pending callbacks that a node holds, as last read.",
		read: func(s *Snapshot, e emit) {
			for _, n := range s.Nodes {
				e(float64(n.Claims), n.Name)
			}
		}},
}
