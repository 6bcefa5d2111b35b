package aaa

import (
	"context"
	"errors"
	"fmt"
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
	hash Hash
	auth Authorization
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
	return localUser{hash: hash, auth: a}, nil
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
	if strings.ContainsFunc(c.Dialstring.Value(), unicode.IsControl) {
		return errors.New("callback dialstring: contains a control character")
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
	a.Dialstring = c.Dialstring
	if !a.Dialstring.IsSet() {
		a.Dialstring = DialstringOf("")
	}
	return nil
}

// Name is "local".
func (*Local) Name() string { return "local" }

// Start grants or refuses; it is Silent only if ctx ends first. An unknown user takes as long as a wrong password: each
// answer computes the costliest hash of all users once.
func (l *Local) Start(ctx context.Context, r Request) (Conversation, Result) {
	res := Result{Server: "local"}
	if r.CHAP != nil || r.MSCHAP != nil || r.EAP != nil {
		res.Kind, res.Reason = Refused,
			"local: local users need a password or PAP; CHAP, MS-CHAP and EAP cannot be checked"
		return nil, res
	}
	if err := l.slots.take(ctx); err != nil {
		res.Reason = "local: " + err.Error()
		return nil, res
	}
	defer l.slots.give()
	u, known := l.users[r.User]
	good := l.verify(u.hash, r.Password)
	switch {
	case CheckUser(r.User) != nil:
		res.Kind, res.Reason = Refused, "local: "+CheckUser(r.User).Error()
	case !known:
		res.Kind, res.Reason = Refused, fmt.Sprintf("local: no user %q", r.User)
	case !good:
		res.Kind, res.Reason = Refused, fmt.Sprintf("local: wrong password for %q", r.User)
	default:
		res.Kind, res.Identity, res.Auth = Granted, Identity{Entry: "local", User: r.User}, u.auth.clone()
	}
	return nil, res
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
		h.match([]byte("no password of anybody"))
	}
}

// clone keeps callers from changing what the next caller is granted.
func (a Authorization) clone() Authorization {
	a.Lines = append([]int(nil), a.Lines...)
	a.Groups = append([]string(nil), a.Groups...)
	if a.Rotary != nil {
		n := *a.Rotary
		a.Rotary = &n
	}
	return a
}
