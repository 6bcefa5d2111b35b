package metrics

import (
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/triggers"
)

// Names that code uses in more than one place.
const (
	requests       = "ringback_aaa_requests_total"
	silentMethods  = "ringback_aaa_silent_methods_total"
	requestSeconds = "ringback_aaa_request_duration_seconds"
	lateSeconds    = "ringback_callback_dial_delay_seconds"
	waitSeconds    = "ringback_callback_promise_to_dial_seconds"
	logins         = "ringback_logins_total"
	commitSeconds  = "ringback_journal_commit_duration_seconds"
)

// Values of labels.
var (
	legs         = Label{"leg", []string{"1", "2"}}
	direction    = Label{"direction", []string{"incoming", "outgoing"}}
	results      = Label{"result", attemptResults}
	causes       = Label{"cause", endCauses}
	loginKinds   = Label{"kind", []string{"login", "enable"}}
	loginResults = Label{"result", []string{"success", "failure", "rejected", "locked"}}
	protocols    = Label{"protocol", []string{"radius", "tacacs"}}
	server       = Label{Name: "server"}
	purpose      = Label{"purpose", []string{"authentication", "authorization", "accounting"}}
	list         = Label{Name: "list"}

	requestResults = Label{"result", []string{"granted", "refused", "prompt", "silent"}}

	scope    = Label{"scope", []string{"site", "group"}}
	group    = Label{Name: "group"}
	period   = Label{"period", journal.Periods}
	resource = Label{"resource", []string{"calls", "failures", "seconds", "money"}}
	pool     = Label{Name: "pool"}
	address  = Label{Name: "address"}
	family   = Label{"family", []string{"ipv4", "ipv6"}}
)

// The buckets of histograms: of disks and the loop, of networks, of people.
var (
	fast   = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	remote = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	slow   = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600}
)

type emit = func(value float64, labels ...string)

// Table has every metric of this program.
var Table = slices.Concat(processTable, lineTable, callTable, callbackTable, aaaTable, journalTable, ceilingTable,
	fleetTable)

var processTable = []Row{
	{Name: "ringback_build_info", Type: Gauge, Labels: []Label{{Name: "version"}, {Name: "goversion"}},
		Help: "Always 1; the labels have the versions.", Part: Process,
		read: func(s *Snapshot, e emit) { e(1, s.Version, s.Go) }},
	{Name: "ringback_scrape_part_up", Type: Gauge, Labels: []Label{{"part", texts(Parts)}}, Part: Process,
		Help: "0: this part could not be read in time, so its metrics are missing.",
		read: func(s *Snapshot, e emit) {
			up := s.parts()
			for _, p := range Parts {
				e(truth(up[p]), string(p))
			}
		}},
	{Name: "ringback_ready", Type: Gauge, Help: "1: callers can be served, as /readyz says.", Part: Process,
		read: func(s *Snapshot, e emit) { e(truth(s.Health.Ready)) }},
	{Name: "ringback_health_warnings", Type: Gauge, Labels: []Label{{Name: "code"}}, Part: Process,
		Help: "Problems by the code of their health check.", read: func(s *Snapshot, e emit) {
			n := map[string]int{}
			for _, w := range s.Health.Warnings {
				n[w.Code]++
			}
			for _, code := range s.Checks {
				e(float64(n[code]), code)
			}
		}},
	{Name: "ringback_loop_delay_seconds", Type: Gauge, Part: Process,
		Help: "Time until the loop that steps the callbacks was ready for the event of this scrape.",
		read: func(s *Snapshot, e emit) { e(s.Delay.Seconds()) }},
	{Name: "ringback_configuration_generation", Type: Gauge, Part: Process,
		Help: "1: the configuration of the start; each applied reload adds 1.",
		read: func(s *Snapshot, e emit) { e(float64(s.Configuration.Generation)) }},
	{Name: "ringback_configuration_loaded_timestamp_seconds", Type: Gauge, Part: Process,
		Help: "When the configuration in force was applied.", read: func(s *Snapshot, e emit) {
			e(float64(s.Configuration.Loaded.UnixMilli()) / 1000)
		}},
	{Name: "ringback_configuration_last_reload_successful", Type: Gauge, Part: Process,
		Help: "0: the last reload was not applied, and the next start may fail.",
		read: func(s *Snapshot, e emit) { e(truth(!s.Configuration.Failed)) }},
	{Name: "ringback_configuration_errors", Type: Gauge, Labels: []Label{{"part", []string{"policies", "other"}}},
		Part: Process, Help: "Errors that the last reload found, in the policy files and in other files.",
		read: func(s *Snapshot, e emit) {
			e(float64(s.Configuration.PolicyErrors), "policies")
			e(float64(s.Configuration.OtherErrors), "other")
		}},
	{Name: "ringback_reloads_total", Type: Counter, Labels: []Label{{"result", []string{"applied", "failed"}}},
		Help: "Reloads of the configuration."},
	{Name: "ringback_policy_groups", Type: Gauge, Part: Process, Help: "Groups of users that have a policy.",
		read: func(s *Snapshot, e emit) { e(float64(s.Configuration.Groups)) }},
	{Name: "ringback_policy_decisions_total", Type: Counter, Labels: []Label{{"outcome", outcomes}},
		Help: "Decisions of the policies about callers."},
	{Name: "ringback_alarms_total", Type: Counter, Help: "Alarms, such as an audit that was changed."},
	{Name: "ringback_log_dropped_records_total", Type: Counter, Part: Journal,
		Help: "Records of the log that were dropped because their reader or disk is too slow.",
		read: func(s *Snapshot, e emit) { e(float64(s.Health.Log.Dropped)) }},
}

var lineTable = []Row{
	{Name: "ringback_lines", Type: Gauge, Labels: []Label{{"state", snakes(lines.States)}}, Part: Lines,
		Help: "Lines by state.", read: func(s *Snapshot, e emit) {
			for _, state := range lines.States {
				e(float64(s.Lines.States[state]), snake(state))
			}
		}},
	{Name: "ringback_lines_out_of_service", Type: Gauge, Part: Lines, Help: "Lines that are down or quarantined.",
		read: func(s *Snapshot, e emit) { e(float64(len(s.Lines.Out))) }},
	{Name: "ringback_lines_busied_out", Type: Gauge, Part: Lines,
		Help: "Lines that an operator lets take no more calls; some still have one.",
		read: func(s *Snapshot, e emit) { e(float64(len(s.Lines.BusiedOut))) }},
	{Name: "ringback_line_leases", Type: Gauge, Part: Lines, Help: "Lines that a call or a callback has.",
		read: func(s *Snapshot, e emit) { e(float64(s.Lines.Leases)) }},
	{Name: "ringback_line_events_total", Type: Counter, Labels: []Label{{"event", lineEvents()}}, Part: Lines,
		Help: "What happened on all lines, by the counters of `show line`, since the start of the process.",
		read: func(s *Snapshot, e emit) {
			for _, c := range lines.Counters() {
				e(float64(s.Lines.Counts[c]), c.String())
			}
		}},
	{Name: "ringback_lines_down_total", Type: Counter, Help: "Times that a line went out of service."},
	{Name: "ringback_modem_tests_total", Type: Counter,
		Labels: []Label{{"result", []string{"passed", "failed", "inconclusive", "interrupted"}}},
		Help:   "Modem tests by result."},
	{Name: "ringback_modem_tests_skipped_total", Type: Counter, Help: "Modem tests on schedule that were not made."},
	{Name: "ringback_modem_quarantines_total", Type: Counter,
		Help: "Lines that failed their modem tests and are not used until an operator restores them."},
}

var callTable = []Row{
	{Name: "ringback_calls", Type: Gauge, Labels: []Label{legs}, Part: Broker,
		Help: "Calls that are up: 1 those that came in, 2 those of callbacks.", read: func(s *Snapshot, e emit) {
			for i, leg := range legs.Values {
				e(float64(s.Broker.Calls[i+1]), leg)
			}
		}},
	{Name: "ringback_calls_total", Type: Counter, Labels: []Label{direction}, Help: "Calls that came up."},
	{Name: "ringback_calls_rejected_total", Type: Counter,
		Labels: []Label{{"reason", []string{"screening", "profile"}}},
		Help:   "Calls that were not answered, or hung up: by AAA, or because the called number has too many calls."},
	{Name: "ringback_calls_ended_total", Type: Counter, Labels: []Label{legs, {"outcome", []string{"not_admitted",
		"session_ended", "callback_promised"}}}, Help: "Calls that have ended."},
	{Name: "ringback_call_duration_seconds_total", Type: Counter, Labels: []Label{legs},
		Help: "Time of calls that have ended."},
	{Name: "ringback_call_bytes_total", Type: Counter, Labels: []Label{legs, {"direction", []string{"in", "out"}}},
		Help: "Octets of calls that have ended, from the callers and to them."},
	{Name: logins, Type: Counter, Labels: []Label{loginKinds, loginResults, server},
		Help: "Logins, and requests for a privileged level (enable): failure: a wrong name or password; rejected: no " +
			"server answered, or the policy or a ceiling denied it; locked: after too many failures. server is the " +
			"one that answered, also local, and empty if none did."},
	{Name: "ringback_login_locks_total", Type: Counter,
		Help: "Names, numbers and lines that failed logins have locked."},
	{Name: "ringback_listener_sessions", Type: Gauge, Part: Process, Labels: []Label{address, {Name: "protocol"}},
		Help: "Connections of the listeners for users over the network, with those before a login.",
		read: func(s *Snapshot, e emit) {
			for _, l := range s.Listeners {
				e(float64(l.Sessions), l.Address, l.Protocol)
			}
		}},
	{Name: "ringback_listener_connections_total", Type: Counter, Part: Process,
		Labels: []Label{address, {"result", []string{"accepted", "rejected"}}},
		Help:   "Connections to the listeners; rejected: a limit closed them.", read: func(s *Snapshot, e emit) {
			for _, l := range s.Listeners {
				e(float64(l.Accepted), l.Address, "accepted")
				e(float64(l.Rejected), l.Address, "rejected")
			}
		}},
	{Name: "ringback_listener_before_login", Type: Gauge, Part: Process,
		Help: "Connections to the listeners that have no user yet.",
		read: func(s *Snapshot, e emit) { e(float64(s.BeforeLogin)) }},
	{Name: "ringback_ppp_sessions", Type: Gauge, Part: Process, Help: "PPP sessions.",
		read: func(s *Snapshot, e emit) { e(float64(s.PPPSessions)) }},
	{Name: "ringback_ppp_pool_addresses", Type: Gauge, Part: Process,
		Labels: []Label{pool, family, {"state", []string{"in_use", "held_back", "free"}}},
		Help:   "Addresses and prefixes of the pools.", read: func(s *Snapshot, e emit) {
			for _, p := range s.Pools {
				of := strings.ToLower(p.Of)
				e(float64(p.InUse), p.Pool, of, "in_use")
				e(float64(p.HeldBack), p.Pool, of, "held_back")
				e(float64(p.Free), p.Pool, of, "free")
			}
		}},
}

// phases are those of callbacks that the loop works on. In completed, the call of leg two is up.
var phases = []callback.Phase{callback.Promised, callback.Leasing, callback.Waiting, callback.Dialing,
	callback.Answered, callback.Completed}

var callbackTable = []Row{
	{Name: "ringback_callbacks", Type: Gauge, Labels: []Label{{"phase", snakes(phases)}}, Part: Broker,
		Help: "Callbacks by phase; completed: the user has logged in and is still on the line.",
		read: func(s *Snapshot, e emit) {
			for _, p := range phases {
				e(float64(s.Broker.Callbacks[p]), snake(p))
			}
		}},
	{Name: "ringback_callbacks_queued", Type: Gauge, Part: Lines, Help: "Callbacks that wait for a line.",
		read: func(s *Snapshot, e emit) { e(float64(s.Lines.Waiting)) }},
	{Name: "ringback_network_users_queued", Type: Gauge, Part: Lines, Help: "Users on the network who wait for a line.",
		read: func(s *Snapshot, e emit) { e(float64(s.Lines.Users)) }},
	{Name: "ringback_callbacks_promised_total", Type: Counter, Help: "Callbacks that were promised to callers."},
	{Name: "ringback_callbacks_not_promised_total", Type: Counter, Labels: []Label{{"reason", []string{"pending",
		"number_pending", "number_disabled", "no_line", "not_recorded", "ceiling"}}},
		Help: "Callbacks that the policy allows and that were not promised."},
	{Name: "ringback_callbacks_ended_total", Type: Counter, Labels: []Label{{"outcome", snakes([]callback.Phase{
		callback.Completed, callback.Failed, callback.Expired, callback.Cancelled})}, causes},
		Help: "Callbacks that have ended, by phase and cause; the cause of one that failed with its last dial is the " +
			"result of that dial."},
	{Name: "ringback_attempts_total", Type: Counter, Labels: []Label{results},
		Help: "Dials of callbacks that have ended, by result."},
	{Name: "ringback_callbacks_claimed_total", Type: Counter,
		Help: "Callbacks of other nodes of the fleet that this node has taken."},
	{Name: "ringback_callbacks_given_up_total", Type: Counter,
		Help: "Callbacks that another node of the fleet has taken from this node."},
	{Name: "ringback_dial_outs_total", Type: Counter, Labels: []Label{results},
		Help: "Dial-outs that have ended, by the result of their dial; connected: there was a call."},
	{Name: "ringback_dial_outs_rejected_total", Type: Counter,
		Help: "Dial-outs that were not made: AAA, the policy, a ceiling or a lockdown denied them, or no line was " +
			"free."},
	{Name: lateSeconds, Type: Histogram, buckets: fast,
		Help: "From the end of the wait to the start of the dial, of each attempt."},
	{Name: waitSeconds, Type: Histogram, buckets: slow, Help: "From the promise to the first dial."},
	{Name: "ringback_lockdown", Type: Gauge, Part: Broker, Help: "1: an operator has stopped all dialing.",
		read: func(s *Snapshot, e emit) { e(truth(s.Broker.Lockdown)) }},
	{Name: "ringback_access_windows_open", Type: Gauge, Part: Broker, Help: "Access windows that are open.",
		read: func(s *Snapshot, e emit) { e(float64(s.Broker.Windows)) }},
	{Name: "ringback_triggers_total", Type: Counter, Part: Broker, Labels: []Label{{"trigger", triggers.Kinds()},
		{"result", texts(triggers.Results())}},
		Help: "Short messages and missed calls on lines of the configuration's `triggers`, by what became of them.",
		read: func(s *Snapshot, e emit) {
			for _, kind := range triggers.Kinds() {
				for _, result := range triggers.Results() {
					n := s.Broker.Triggers[broker.TriggerCount{Kind: triggers.Kind(kind), Result: result}]
					e(float64(n), kind, string(result))
				}
			}
		}},
	{Name: "ringback_refused_events_total", Type: Counter, Part: Broker,
		Help: "Events that no rule of the callback machine covers: late and duplicate ones.",
		read: func(s *Snapshot, e emit) { e(float64(s.Broker.Refused)) }},
}

var aaaTable = []Row{
	{Name: "ringback_aaa_server_up", Type: Gauge, Labels: []Label{protocols, server, {"serves", []string{
		"authentication", "accounting", "authentication+accounting"}}}, Part: Process,
		Help: "0: the server does not answer and is skipped while another does.", read: func(s *Snapshot, e emit) {
			for _, a := range s.AAA {
				e(truth(!slices.Contains(downStates, a.State)), a.Protocol, a.Name, a.Serves)
			}
		}},
	{Name: "ringback_aaa_dropped_replies_total", Type: Counter, Labels: []Label{protocols, server}, Part: Process,
		Help: "Replies of RADIUS servers that were discarded as invalid or unexpected.",
		read: func(s *Snapshot, e emit) {
			n := map[string]uint64{}
			for _, a := range s.AAA {
				if a.Protocol == "radius" {
					n[a.Name] += a.Dropped
				}
			}
			for _, name := range sorted(n) {
				e(float64(n[name]), "radius", name)
			}
		}},
	{Name: requests, Type: Counter, Labels: []Label{protocols, server, purpose, requestResults},
		Help: "Requests to AAA servers; granted: also a record that was acknowledged; silent: no valid answer came."},
	{Name: requestSeconds, Type: Histogram, Labels: []Label{protocols, server, purpose}, buckets: remote,
		Help: "Time of a request to an AAA server with its repetitions, to the answer or the end of the wait."},
	{Name: silentMethods, Type: Counter, Labels: []Label{{Name: "method"}},
		Help: "Times that a method of a list gave no answer at all, so that the next one was asked, or none."},
}

var journalTable = []Row{
	{Name: "ringback_accounting_spool_records", Type: Gauge, Labels: []Label{list}, Part: Journal,
		Help: "Accounting records that wait for an acknowledgement.", read: func(s *Snapshot, e emit) {
			for _, name := range sorted(s.Journal.Spool) {
				e(float64(s.Journal.Spool[name].Records), name)
			}
		}},
	{Name: "ringback_accounting_spool_oldest_age_seconds", Type: Gauge, Labels: []Label{list}, Part: Journal,
		Help: "How long the oldest of these records has waited; 0: there is none.", read: func(s *Snapshot, e emit) {
			for _, name := range sorted(s.Journal.Spool) {
				age := 0.0
				if b := s.Journal.Spool[name]; b.Records > 0 {
					age = max(time.Since(b.Oldest).Seconds(), 0)
				}
				e(age, name)
			}
		}},
	{Name: "ringback_accounting_arrears", Type: Gauge, Part: Broker,
		Help: "Ends of calls that are in memory only, because the disk does not accept them.",
		read: func(s *Snapshot, e emit) { e(float64(s.Broker.Arrears)) }},
	{Name: commitSeconds, Type: Histogram, buckets: fast, Help: "Time of a transaction of the journal, with its sync."},
	{Name: "ringback_journal_commit_errors_total", Type: Counter, Help: "Transactions of the journal that failed."},
	{Name: "ringback_journal_busy_seconds", Type: Gauge, Part: Journal,
		Help: "How long the transaction in progress has taken so far; 0: there is none.",
		read: func(s *Snapshot, e emit) { e(s.Journal.Busy.Seconds()) }},
	{Name: "ringback_journal_failing", Type: Gauge, Part: Journal, Help: "1: the last transaction failed.",
		read: func(s *Snapshot, e emit) { e(truth(s.Journal.Failed != nil)) }},
	{Name: "ringback_journal_size_bytes", Type: Gauge, Labels: []Label{{"file", []string{"journal", "log"}}},
		Part: Journal, Help: "Size of the journal and of its write-ahead log.", read: func(s *Snapshot, e emit) {
			e(float64(s.Journal.Octets), "journal")
			e(float64(s.Journal.Log), "log")
		}},
	{Name: "ringback_journal_disk_free_bytes", Type: Gauge, Part: Journal,
		Help: "What ringback can still write to the disk of the journal.",
		read: func(s *Snapshot, e emit) { e(float64(s.Journal.Free)) }},
	{Name: "ringback_journal_reserve_bytes", Type: Gauge, Part: Journal,
		Help: "Room on the disk that is reserved for the ends of sessions.",
		read: func(s *Snapshot, e emit) { e(float64(s.Journal.Reserved)) }},
	{Name: "ringback_journal_reserve_wanted_bytes", Type: Gauge, Part: Journal,
		Help: "Size of a complete reserve: no user is admitted with less.",
		read: func(s *Snapshot, e emit) { e(float64(s.Journal.Reserve)) }},
}

var ceilingTable = []Row{
	{Name: "ringback_ceiling_used", Type: Gauge, Labels: []Label{scope, group, period, resource}, Part: Ceilings,
		Help: "What callbacks have used in the present hour, day or month, where there is a limit.",
		read: ceilings(func(w journal.Window, _ journal.Account, _ journal.Amount) journal.Amount { return w.Used })},
	{Name: "ringback_ceiling_reserved", Type: Gauge, Labels: []Label{scope, group, period, resource}, Part: Ceilings,
		Help: "What pending and connected callbacks may still use, where there is a limit.",
		read: ceilings(func(_ journal.Window, a journal.Account, _ journal.Amount) journal.Amount {
			return a.Reserved
		})},
	{Name: "ringback_ceiling_limit", Type: Gauge, Labels: []Label{scope, group, period, resource}, Part: Ceilings,
		Help: "The limit: used and reserved together never exceed it.",
		read: ceilings(func(_ journal.Window, _ journal.Account, limit journal.Amount) journal.Amount {
			return limit
		})},
	{Name: "ringback_ceiling_groups_omitted", Type: Gauge, Part: Ceilings,
		Help: "Groups with limits that the metrics of ceilings leave out: they have the first 200 by name.",
		read: func(s *Snapshot, e emit) { e(float64(max(groupsOf(s)-maxGroups, 0))) }},
}
