package ios

import "time"

// state is what the text says.
type state struct {
	hostname                string
	bannerMOTD, bannerLogin string
	enable                  *enable
	enableSecret            bool // by `enable secret`
	execCallback            int  // row of `service exec-callback`, plus 1; 0: it is off
	arapCallback            int  // of `arap callback`

	users   map[string]*user
	names   []string // of the users, in order
	wanted  int      // sum of the lines that they name by callback-line
	scripts []script
	blocks  []*lineBlock

	ifaces     map[string]*iface
	ifaceNames []string // in order
	pools      []*pool
	poolNamed  map[string]*pool // of `ip local pool`
	dns, wins  []string

	sets map[setBy]int // rows of what was set

	newModel                   bool
	lists                      map[string][]*list
	servers                    []*server
	serverGroups               []*serverGroup
	radius, tacacs             defaults
	deadTime, interim          time.Duration
	tries                      int
	promptUser, promptPassword string

	made
}

// made is what is found out when the whole text is read.
type made struct {
	silent        []int        // by the number of a line: the first from it on that has no modem that dials
	rotaries      map[int]bool // rotaries with such a line
	servesPPP     bool
	pppCallback   bool
	groups        []string          // of local users
	poolOfPeers   map[string]string // pools of peer default ip address, by their addresses
	owns          map[string]bool   // addresses of the access server on links of PPP
	goodGroups    map[string]protocol
	groupAccounts map[string]bool      // of them, those with a server that takes accounting
	unusable      map[[2]string]string // why a script cannot run for an event, by event and expression
}
