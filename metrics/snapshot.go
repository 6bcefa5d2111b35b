package metrics

import (
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
)

// Part is a part of a Snapshot. A part that could not be read in time is missing in a scrape, and
// ringback_scrape_part_up says so.
type Part string

// The parts.
const (
	Process  Part = "process" // is never missing
	Lines    Part = "lines"
	Broker   Part = "broker"
	Journal  Part = "journal" // with the disk, the spool and the health
	Ceilings Part = "ceilings"
)

// Parts are all parts.
var Parts = []Part{Process, Lines, Broker, Journal, Ceilings}

// Snapshot is what a scrape reads. A nil pointer or slice is a part that could not be read in time.
type Snapshot struct {
	Lines    *lines.Tally
	Broker   *broker.Stats
	Journal  *JournalState
	Ceilings []broker.CeilingView

	Version, Go   string
	Delay         time.Duration // until the loop of the broker was ready for an event
	Health        client.Health
	Checks        []string // the codes of all checks of the health
	AAA           []client.AAAServer
	Methods       []string // of the method lists, that ask servers
	Configuration Configuration
	PPPSessions   int
	Pools         []Pool
	Listeners     []client.Listener
	Fleet         client.Fleet  // Node is "" if the node is alone
	Nodes         []client.Node // of the fleet, as last read
	BeforeLogin   int           // connections to listeners that have no user yet
}

// Pool is the use of an address pool, of its IPv4 addresses or its IPv6 prefixes.
type Pool struct {
	Pool, Of                    string
	Size, InUse, HeldBack, Free int
}

// JournalState is the state of the journal and of the spool in it.
type JournalState struct {
	journal.Health
	Spool map[string]journal.Backlog // by accounting list; all lists of the configuration
}

// Configuration is the configuration in force.
type Configuration struct {
	Generation int       // 1: that of the start; each applied reload adds one
	Loaded     time.Time // when it was put in force
	Groups     int       // policies
	Failed     bool      // the last reload was not applied
	// errors that the last reload found, in the policy files and elsewhere; 0 if it was applied
	PolicyErrors, OtherErrors int
}

func (s *Snapshot) parts() map[Part]bool {
	return map[Part]bool{Process: true, Lines: s.Lines != nil, Broker: s.Broker != nil, Journal: s.Journal != nil,
		Ceilings: s.Ceilings != nil}
}
