package cbcp

import "strings"

// Grant is what AAA and the policy allow a caller: the broker's verdict (session.Verdict), by its fields. The zero
// value allows nothing.
type Grant struct {
	Admitted   bool // session.Admit: no callback is required
	Offered    bool // session.Offered
	Fixed      bool // Offer.Number is not empty: AAA or the table of places has the number
	MayDecline bool // Offer.MayDecline: the caller may have the session on this call
	// Required is the policy's "callback: required": no session without a callback, whatever else is set.
	Required bool
	// Secure is the policy's "callback: secure": the caller does not learn what was decided, whatever else is set. A
	// callback is promised before this table is asked.
	Secure bool
}

// row is a row of the table.
type row int

const (
	rowNothing   row = iota // refused
	rowFixed                // the number is fixed
	rowCallers              // NULL, from_caller: allow: the caller has to give the number
	rowOnRequest            // none required, callback_on_request and from_caller: allow
	rowCheaper              // none required, and the policy's "callback: when_cheaper" has a number
	rowNone                 // none required
	// With callback: required.
	rowFixedRequired
	rowCallersRequired
	rowOnRequestRequired
	rowCheaperRequired
	rowNoneRequired
	rowSecure // callback: secure
	rows
)

// row returns the row of a Grant.
func (g Grant) row() row {
	r := rowNothing
	switch {
	case g.Secure:
		return rowSecure
	case g.Offered && g.Fixed && g.MayDecline:
		r = rowCheaper
	case g.Offered && g.Fixed:
		r = rowFixed
	case g.Offered && g.MayDecline:
		r = rowOnRequest
	case g.Offered:
		r = rowCallers
	case g.Admitted:
		r = rowNone
	}
	if g.Required && r != rowNothing {
		r += rowFixedRequired - rowFixed
	}
	return r
}

// column is a column of the table.
type column int

const (
	colCBCP       column = iota
	colUser              // operation 0, or a number or place that cannot be used
	colNumber            // operations 1 and 3, and 2 with a place
	colNotAsked          // no option 13
	colInitiating        // no option 13, and the profile has "initiate": the caller waits to be called
	columns
)

func (w Wish) column(initiate bool) column {
	switch {
	case w.Way == ByCBCP:
		return colCBCP
	case w.Way == ByNumber && w.Number != "", w.Way == ByPlace && w.Place != "":
		return colNumber
	case w.Way == ByNumber, w.Way == ByPlace, w.Way == ByUser:
		return colUser
	case initiate:
		return colInitiating
	}
	return colNotAsked
}

// cell is a cell of the table.
type cell int

const (
	reject cell = iota
	offerAdmin
	offerUser
	offerNoneUser
	offerNone
	offerNoneAdmin
	promise        // at AAA's number
	promiseCallers // at the caller's number or place
	ip
	terminate
	disconnect
)

// table says what a caller gets. An operation of RFC 1570 that LCP has accepted cannot be taken back: where there is no
// callback, the link ends.
var table = [rows][columns]cell{
	// columns: CBCP, by user, by number, not asked, initiating
	rowFixed:     {offerAdmin, promise, promise, reject, promise},
	rowCallers:   {offerUser, reject, promiseCallers, reject, reject},
	rowOnRequest: {offerNoneUser, reject, promiseCallers, ip, ip},
	rowCheaper:   {offerNoneAdmin, promise, promise, ip, promise},
	rowNone:      {offerNone, terminate, terminate, ip, ip},

	rowFixedRequired:     {offerAdmin, promise, promise, reject, promise},
	rowCallersRequired:   {offerUser, reject, promiseCallers, reject, reject},
	rowOnRequestRequired: {offerUser, reject, promiseCallers, reject, reject},
	rowCheaperRequired:   {offerAdmin, promise, promise, reject, promise},
	rowNoneRequired:      {reject, reject, reject, reject, reject},

	rowSecure: {disconnect, disconnect, disconnect, disconnect, disconnect},
}

// Action is what follows the authentication.
type Action uint8

// The actions.
const (
	Reject    Action = iota // end the link: the login is refused
	Terminate               // end the link: the callback that LCP accepted is not to be had
	Negotiate               // run a Machine with Plan.Offer
	Promise                 // have the broker promise Plan.Choice, then end the link
	Open                    // open the network protocols; if the broker offered a callback, it is declined first
	// Disconnect ends the link with the text that every caller gets, whether a callback follows or not.
	Disconnect
)

// String is the action's name.
func (a Action) String() string {
	names := [...]string{"reject", "terminate", "negotiate", "promise", "open", "disconnect"}
	if int(a) < len(names) {
		return names[a]
	}
	return "unknown"
}

// Plan is what a caller gets.
type Plan struct {
	Do    Action
	Offer Offer // of Negotiate
	// Choice is for the broker, of Promise; and of Open if it has Decline. Only Number, Place, Decline and Delay count.
	Choice Wish
	// Ignored is what the caller asked for and does not get, for the log; "" nothing.
	Ignored string
}

// PlanFor says what a caller gets who asks for w on leg one; on leg two no wish is accepted. initiate is the profile's:
// callers who do not ask for a callback wait for one all the same.
func PlanFor(g Grant, w Wish, initiate bool) Plan {
	p := Plan{Ignored: w.Unusable}
	switch table[g.row()][w.column(initiate)] {
	case offerAdmin:
		p.Do, p.Offer = Negotiate, Offer{Admin: true}
	case offerUser:
		p.Do, p.Offer = Negotiate, Offer{User: true}
	case offerNoneUser:
		p.Do, p.Offer = Negotiate, Offer{None: true, User: true}
	case offerNoneAdmin:
		p.Do, p.Offer = Negotiate, Offer{None: true, Admin: true}
	case offerNone:
		p.Do, p.Offer = Negotiate, Offer{None: true}
	case promise:
		p.Do, p.Choice = Promise, Wish{Way: w.Way, Delay: w.Delay}
		if asked := w.Number + w.Place; asked != "" {
			p.Ignored = asked
		}
	case promiseCallers:
		p.Do, p.Choice = Promise, w
	case ip:
		p.Do, p.Choice = Open, Wish{Way: w.Way, Decline: g.Offered}
	case terminate:
		p.Do = Terminate
	case disconnect:
		p.Do = Disconnect
	}
	return p
}

// Offer is what a caller may choose from by CBCP. A list of numbers (type 4) is never offered: current callers do not
// know it, and pppd hangs if it is all there is.
type Offer struct {
	None  bool // no callback
	Admin bool // a callback at the number that AAA or the operator has set
	User  bool // a callback at a number that the caller gives
}

// String lists the types.
func (o Offer) String() string {
	var s []string
	for _, t := range o.types() {
		s = append(s, t.String())
	}
	if s == nil {
		return "nothing"
	}
	return strings.Join(s, ", ")
}

// types returns the types of the offer in the order of a Request. The type with a number stands last: pppd takes any
// other order for a damaged packet and hangs. FreeBSD reads only the first.
func (o Offer) types() []Type {
	var out []Type
	if o.None {
		out = append(out, TypeNone)
	}
	if o.Admin {
		out = append(out, TypeAdmin)
	}
	if o.User {
		out = append(out, TypeUser)
	}
	return out
}

func (o Offer) has(t Type) bool {
	return t == TypeNone && o.None || t == TypeAdmin && o.Admin || t == TypeUser && o.User
}
