package aaa

import (
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
}

// UserCallback is how a local user is called back: callback-dialstring, callback-line, callback-rotary,
// nocallback-verify.
type UserCallback struct {
	Dialstring Dialstring // if unset or NULL, the caller types it, if the policy allows that
	Further    []string   // with a Dialstring: the user's other numbers, in the order in which they are dialed
	NoVerify   bool
	Lines      []int
	Rotary     *int // 0–100
}

// Local is the method "local". Create one with NewLocal; the zero Local has no users and refuses every request.
type Local struct {
	users    map[string]localUser
	costlier Hash // the costliest hash of all users: an unknown user's password is checked against it
	slots    slots
}

type localUser struct {
	hash     Hash
	password Secret // "": only its hash is known
	auth     Authorization
}

// NewLocal checks all users and returns the method. Its error joins all problems, each naming the user.
func NewLocal(users []User) (*Local, error) {
	l := &Local{users: make(map[string]localUser, len(users)), slots: newSlots()}
	var errs []error
	for _, u := range users {
		lu, err := readUser(u)
		if _, twice := l.users[u.Name]; twice && err == nil {
			err = errors.New("defined twice")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("local user %q: %w", u.Name, err))
			continue
		}
		l.users[u.Name] = lu
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
	return localUser{hash: hash, password: u.Password, auth: a}, nil
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
	a.Dialstring, a.Further = c.Dialstring, c.Further
	if !a.Dialstring.IsSet() {
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
		return nil, l.checkMSCHAP(r.User, *r.MSCHAP)
	case r.CHAP != nil:
		return nil, l.checkResponse(r.User, "CHAP", r.CHAP.answers)
	}
	return nil, l.checkPassword(ctx, r.User, r.Password)
}

// checkPassword computes the costliest hash of all users once, whatever the answer is.
func (l *Local) checkPassword(ctx context.Context, user string, password Secret) Result {
	if err := l.slots.take(ctx); err != nil {
		return Result{Server: "local", Reason: "local: " + err.Error()}
	}
	defer l.slots.give()
	u, known := l.users[user]
	return l.judge(user, known, l.verify(u.hash, password))
}

// judge grants what a known user has if the user has proven the password.
func (l *Local) judge(user string, known, proven bool) Result {
	res := Result{Kind: Refused, Server: "local"}
	switch {
	case !known:
		res.Reason = fmt.Sprintf("local: no user %q", user)
	case !proven:
		res.Reason = fmt.Sprintf("local: wrong password for %q", user)
	default:
		res.Kind, res.Identity, res.Auth = Granted, Identity{Entry: "local", User: user}, l.users[user].auth.clone()
	}
	return res
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
