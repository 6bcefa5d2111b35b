package aaa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// User is a local user, as in IOS's `username` command, with a Password or a PasswordHash, never both.
type User struct {
	Name         string
	Password     Secret
	PasswordHash string // see ParseHash
	Callback     *UserCallback
	PrivLevel    int // 1–15; 0 means 1
	Groups       []string
	Services     []Service // of EXEC and PPP, those that the user may have; none: all
	DialOut      bool      // the user may dial out
}

// UserCallback is how a local user is called back: callback-dialstring, callback-line, callback-rotary,
// nocallback-verify; or a Callback-Id.
type UserCallback struct {
	Dialstring Dialstring // if unset or NULL, the caller types it, if the policy allows that
	Place      string     // instead of a Dialstring: the name of a place
	Further    []string   // with a Dialstring: the user's other numbers, in the order in which they are dialed
	NoVerify   bool
	Lines      []int
	Rotary     *int // 0–100
}

// Local is the method "local". Create one with NewLocal; the zero Local has no users and refuses every request.
type Local struct {
	users    map[entry]localUser
	costlier Hash // the costliest hash of all users: an unknown user's password is checked against it
	slots    slots
}

// entry is a user for one service.
type entry struct {
	user    string
	service Service // EXEC or PPP
}

type localUser struct {
	hash     Hash
	password Secret // "": only its hash is known
	auth     Authorization
	dialsOut bool
}

// granted returns what the user has for a service, as a copy. The number of a callback is none that the user may dial.
func (u localUser) granted(service Service) Authorization {
	if service != Outbound {
		return u.auth.clone()
	}
	a := Authorization{PrivLevel: u.auth.PrivLevel, Groups: u.auth.clone().Groups}
	if u.dialsOut {
		a.DialOut = &DialOut{}
	}
	return a
}

// NewLocal checks all users and returns the method. Its error joins all problems, each naming the user. Two users may
// have one name if no service is of both: another password and another callback for PPP than for the EXEC.
func NewLocal(users []User) (*Local, error) {
	l := &Local{users: make(map[entry]localUser, 2*len(users)), slots: newSlots()}
	var errs []error
	for _, u := range users {
		lu, err := readUser(u)
		for _, s := range u.services() {
			if _, twice := l.users[entry{u.Name, s}]; twice && err == nil {
				err = errors.New("defined twice")
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("local user %q: %w", u.Name, err))
			continue
		}
		for _, s := range u.services() {
			l.users[entry{u.Name, s}] = lu
		}
		if lu.hash.cost > l.costlier.cost {
			l.costlier = lu.hash
		}
	}
	return l, errors.Join(errs...)
}

func readUser(u User) (localUser, error) {
	if err := CheckUser(u.Name); err != nil {
		return localUser{}, err
	}
	hash, err := userHash(u)
	if err != nil {
		return localUser{}, err
	}
	if u.PrivLevel < 0 || u.PrivLevel > 15 {
		return localUser{}, fmt.Errorf("priv_lvl %d: not 0 to 15", u.PrivLevel)
	}
	a := Authorization{PrivLevel: max(u.PrivLevel, 1), Groups: u.Groups}
	if u.Callback != nil {
		if err := u.Callback.authorize(&a); err != nil {
			return localUser{}, err
		}
	}
	for _, s := range u.Services {
		if s != EXEC && s != PPP {
			return localUser{}, fmt.Errorf("service %q: not %s or %s", s, EXEC, PPP)
		}
	}
	return localUser{hash: hash, password: u.Password, auth: a, dialsOut: u.DialOut}, nil
}

func userHash(u User) (Hash, error) {
	switch {
	case u.Password != "" && u.PasswordHash != "":
		return Hash{}, errors.New("both a password and a password hash (keep one)")
	case u.PasswordHash != "":
		return ParseHash(u.PasswordHash)
	case u.Password == "":
		return Hash{}, errors.New("no password (an empty one never matches)")
	case !usablePassword(u.Password, maxPassword):
		return Hash{}, errors.New("password longer than 254 octets or contains a NUL")
	}
	return PlainHash(u.Password), nil
}

func (c *UserCallback) authorize(a *Authorization) error {
	for _, n := range append([]string{c.Dialstring.Value()}, c.Further...) {
		if strings.ContainsFunc(n, unicode.IsControl) {
			return errors.New("callback dialstring: contains a control character")
		}
	}
	switch {
	case c.Place != "" && (c.Dialstring.IsSet() || len(c.Further) > 0):
		return errors.New("callback: both a number and a place (keep one)")
	case len(c.Further) >= MaxNumbers:
		return fmt.Errorf("callback: %d numbers; the maximum is %d", len(c.Further)+1, MaxNumbers)
	case len(c.Further) > 0 && (c.Dialstring.Value() == "" || slices.Contains(c.Further, "")):
		return errors.New("callback: one of several numbers is empty, and the caller cannot type one of them")
	}
	for _, n := range c.Lines {
		if n < 1 {
			return fmt.Errorf("callback line %d: not a TTY number", n)
		}
	}
	if c.Rotary != nil && (*c.Rotary < 0 || *c.Rotary > 100) {
		return fmt.Errorf("callback rotary %d: not 0 to 100", *c.Rotary)
	}
	a.Callback, a.NoVerify, a.Lines, a.Rotary = true, c.NoVerify, c.Lines, c.Rotary
	a.Dialstring, a.Further, a.CallbackID = c.Dialstring, c.Further, c.Place
	if !a.Dialstring.IsSet() && c.Place == "" {
		a.Dialstring = DialstringOf("")
	}
	return nil
}

// Name is "local".
func (*Local) Name() string { return "local" }

// Start grants or refuses, except that EAP begins with a Prompt; it is Silent only if ctx ends first. A password is
// checked against the user's; CHAP, MS-CHAP and EAP-MD5 need a user whose Password is known. An unknown user takes as
// long as a wrong password.
func (l *Local) Start(ctx context.Context, r Request) (Conversation, Result) {
	if err := CheckUser(r.User); err != nil {
		return nil, Result{Kind: Refused, Server: "local", Reason: "local: " + err.Error()}
	}
	switch {
	case r.EAP != nil:
		return l.startEAP(r)
	case r.MSCHAP != nil:
		return nil, l.checkMSCHAP(r)
	case r.CHAP != nil:
		return nil, l.checkResponse(r, "CHAP", r.CHAP.answers)
	}
	return nil, l.checkPassword(ctx, r)
}

// checkPassword computes the costliest hash of all users once, whatever the answer is.
func (l *Local) checkPassword(ctx context.Context, r Request) Result {
	if err := l.slots.take(ctx); err != nil {
		return Result{Server: "local", Reason: "local: " + err.Error()}
	}
	defer l.slots.give()
	u, as := l.find(r)
	return u.judge(r, as, l.verify(u.hash, r.Password))
}

// standing is what a name is for a service.
type standing int

const (
	nobodys standing = iota // no user has the name
	others                  // the user has it for another service only
	theirs
)

// find returns the user that a request is about. The password of a user without the service is checked too: without it
// nobody learns that there is such a user. What follows inside of a session, as enable, was granted with it.
func (l *Local) find(r Request) (u localUser, as standing) {
	wanted := cmp.Or(r.Service, EXEC)
	for _, s := range []Service{wanted, EXEC, PPP} {
		if u, ok := l.users[entry{r.User, s}]; ok {
			if s != wanted && (wanted == EXEC || wanted == PPP) {
				return u, others
			}
			return u, theirs
		}
	}
	return localUser{}, nobodys
}

// judge grants what a user has for the service if the user has proven the password.
func (u localUser) judge(r Request, as standing, proven bool) Result {
	user := r.User
	res := Result{Kind: Refused, Server: "local"}
	switch {
	case as == nobodys:
		res.Reason = fmt.Sprintf("local: no user %q", user)
	case !proven:
		res.Reason = fmt.Sprintf("local: wrong password for %q", user)
	case as == others:
		res.Known = true
		res.Reason = fmt.Sprintf("local: user %q may not use %s (services of the user has it not)", user,
			cmp.Or(r.Service, EXEC))
	default:
		res.Kind, res.Identity, res.Auth = Granted, Identity{Entry: "local", User: user}, u.granted(r.Service)
	}
	return res
}

// Serves reports whether the user may have a session of a service, EXEC or PPP.
func (u User) Serves(s Service) bool { return slices.Contains(u.services(), s) }

func (u User) services() []Service {
	if len(u.Services) == 0 {
		return []Service{EXEC, PPP}
	}
	return u.Services
}

// verify checks password against h and, if h is cheaper than the costliest, against that one too, for the time it
// takes.
func (l *Local) verify(h Hash, password Secret) bool {
	good := h.Verify(password)
	if h.cost < l.costlier.cost || !usablePassword(password, h.max) {
		l.costlier.spend()
	}
	return good
}

// spend takes as long as one check.
func (h Hash) spend() {
	if h.match != nil {
		h.match([]byte(nobody))
	}
}

// clone keeps callers from changing what the next caller is granted.
func (a Authorization) clone() Authorization {
	a.Lines = append([]int(nil), a.Lines...)
	a.Further = append([]string(nil), a.Further...)
	a.Groups = append([]string(nil), a.Groups...)
	if a.Rotary != nil {
		n := *a.Rotary
		a.Rotary = &n
	}
	return a
}
