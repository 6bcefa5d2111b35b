package policies

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ringback/ringback/schema"
)

// The default attempts of a callback (IOS dials once).
const (
	DefaultMaxAttempts = 1
	DefaultRetryWait   = 30 * time.Second
	maxAttempts        = 10
	minRetryWait       = time.Second
	maxRetryWait       = time.Hour
	maxBackoff         = 10
)

// Attempts is the budget of dials that a callback gets, and what follows each.
type Attempts struct {
	Max       int           // maximum number of dials, 1–10; 0 means 1
	RetryWait time.Duration // between the end of an attempt and the next; 0 means 30 s
	After     Retries       // by the cause that ended an attempt
	Order     Order         // which of several numbers is dialed first; "" means Sequential
	// Disable is for how long a number is not called back after a callback that failed with its dials; 0: none.
	Disable time.Duration
}

// Cause is why an attempt failed, as far as policies distinguish it.
type Cause int

// The causes. NoCause is any other: no script, a modem error, glare.
const (
	Busy Cause = iota
	NoAnswer
	NoCarrier // no carrier came, or it was lost before the login
	NoDialtone
	Voice // a person or a fax machine answered
	Blacklisted
	Delayed
	Timeout
	Interrupted // by a crash, a restart or a lockdown
	NoCause
)

// causeKeys are the keys of the causes, and what the modem or ringback reports.
var causeKeys = [NoCause]struct{ name, when string }{
	Busy:        {"busy", "BUSY"},
	NoAnswer:    {"no_answer", "NO ANSWER"},
	NoCarrier:   {"no_carrier", "NO CARRIER, or a carrier lost before the login"},
	NoDialtone:  {"no_dialtone", "NO DIALTONE"},
	Voice:       {"voice", "VOICE or FAX"},
	Blacklisted: {"blacklisted", "BLACKLISTED"},
	Delayed:     {"delayed", "DELAYED"},
	Timeout:     {"timeout", "no answer of the modem within the time that the script waits for it"},
	Interrupted: {"interrupted", "a crash, a restart or a lockdown"},
}

// Retries has a Retry for each cause. The zero value treats all causes alike.
type Retries [NoCause]Retry

// Retry is what follows an attempt that a cause ended. The zero value is a further attempt on the same line after
// Attempts.RetryWait.
type Retry struct {
	Never     bool          // no further attempt
	Wait      time.Duration // instead of Attempts.RetryWait; 0: that
	Backoff   int           // factor of the wait for each attempt before this one; 0 means 1
	MaxWait   time.Duration // most that Backoff makes of the wait; 0 means 1 h
	Jitter    time.Duration // most that chance adds to the wait
	OtherLine bool          // the next attempt is made on another line, if one is in service
	// SameNumber: of several numbers, the next attempt dials the same one again, not the next one
	SameNumber bool
}

// Of returns what follows an attempt that cause ended.
func (r Retries) Of(c Cause) Retry {
	if c < 0 || c >= NoCause {
		return Retry{}
	}
	return r[c]
}

// Pause returns the wait after attempt number n of a callback, counted from 1, without Jitter. usual is the wait for
// causes without a Retry of their own.
func (r Retry) Pause(n int, usual time.Duration) time.Duration {
	wait, longest := usual, maxRetryWait
	if r.Wait > 0 {
		wait = r.Wait
	}
	if r.MaxWait > 0 {
		longest = r.MaxWait
	}
	for range n - 1 {
		if r.Backoff <= 1 || wait >= longest {
			break
		}
		wait = min(wait*time.Duration(r.Backoff), longest)
	}
	return wait
}

// attemptsJSON has durations as text, "30s", as in policy files.
type attemptsJSON struct {
	Max       int                  `json:"max"`
	RetryWait string               `json:"retry_wait"`
	After     map[string]retryJSON `json:"after,omitempty"`
	Disable   span                 `json:"disable,omitempty"`
	Order     Order                `json:"order,omitempty"`
}

type retryJSON struct {
	Never     bool `json:"never,omitempty"`
	Wait      span `json:"wait,omitempty"`
	Backoff   int  `json:"backoff,omitempty"`
	MaxWait   span `json:"max_wait,omitempty"`
	Jitter    span `json:"jitter,omitempty"`
	OtherLine bool `json:"other_line,omitempty"`

	SameNumber bool `json:"same_number,omitempty"`
}

// span is a duration as text.
type span time.Duration

func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = span(d)
	return err
}

// MarshalJSON writes durations as text.
func (a Attempts) MarshalJSON() ([]byte, error) {
	j := attemptsJSON{Max: a.Max, RetryWait: a.RetryWait.String(), Disable: span(a.Disable),
		Order: a.Order}
	for c, r := range a.After {
		if r == (Retry{}) {
			continue
		}
		if j.After == nil {
			j.After = map[string]retryJSON{}
		}
		j.After[causeKeys[c].name] = retryJSON{r.Never, span(r.Wait), r.Backoff, span(r.MaxWait), span(r.Jitter),
			r.OtherLine, r.SameNumber}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *Attempts) UnmarshalJSON(b []byte) error {
	var j attemptsJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	wait, err := time.ParseDuration(j.RetryWait)
	*a = Attempts{Max: j.Max, RetryWait: wait, Disable: time.Duration(j.Disable), Order: j.Order}
	for c, k := range causeKeys {
		r := j.After[k.name]
		a.After[c] = Retry{r.Never, time.Duration(r.Wait), r.Backoff, time.Duration(r.MaxWait),
			time.Duration(r.Jitter), r.OtherLine, r.SameNumber}
	}
	return err
}

func (a Attempts) orDefault() Attempts {
	if a.Max <= 0 {
		a.Max = DefaultMaxAttempts
	}
	if a.RetryWait <= 0 {
		a.RetryWait = DefaultRetryWait
	}
	a.Max = min(a.Max, maxAttempts)
	return a
}

// ruleAttempts decides: nothing is against the callback.
func ruleAttempts(e *evaluation) (string, string, bool) {
	a := e.d.Attempts
	input := e.text("max ", fmt.Sprint(a.Max), ", retry_wait ", a.RetryWait.String())
	if a.Order != "" {
		input += ", order " + string(a.Order)
	}
	if a.Disable > 0 {
		input += ", disable " + a.Disable.String()
	}
	for c, r := range a.After {
		if r != (Retry{}) {
			input += ", " + causeKeys[c].name + " " + r.text()
		}
	}
	if e.d.Reauthorize = e.policy.Reauthorize || e.Promised != nil && e.Promised.Reauthorize; e.d.Reauthorize {
		input += ", reauthorize " + beforeDial
	}
	at := e.d.Number.String()
	for _, n := range e.d.Further {
		at = e.text(at, " or ", n.String())
	}
	return e.decide(CallBack, input, "", "", "at "+at+", allowed by group "+e.policy.name())
}

// text is the Retry as a policy file has it, on one line; "" for the zero value.
func (r Retry) text() string {
	var parts []string
	add := func(set bool, format string, v any) {
		if set {
			parts = append(parts, fmt.Sprintf(format, v))
		}
	}
	add(r.Never, "retry: %s", "no")
	add(r.Wait > 0, "wait: %v", r.Wait)
	add(r.Backoff > 1, "backoff: %d", r.Backoff)
	add(r.MaxWait > 0, "max_wait: %v", r.MaxWait)
	add(r.Jitter > 0, "jitter: %v", r.Jitter)
	add(r.OtherLine, "line: %s", "other")
	add(r.SameNumber, "number: %s", "same")
	return braced(parts)
}

// attemptKeys are the rows of `attempts`.
var attemptKeys = func() []key {
	keys := []key{
		{Key: schema.Key{Name: "attempts", Type: schema.Object,
			Doc: "Number and timing of the dial attempts of a callback, and what follows an attempt that failed."}},
		{
			in: "attempts",
			Key: schema.Key{Name: "max", Type: schema.Int, Min: 1, Max: maxAttempts,
				Default: fmt.Sprint(DefaultMaxAttempts), Example: "3",
				Doc: "Maximum number of dials, including those interrupted by a crash or restart."},
			read: func(p *Policy, v *schema.Value) { p.Attempts.Max = v.Int() },
			text: func(p Policy) string { return fmt.Sprint(p.Attempts.orDefault().Max) },
		},
		{
			in: "attempts",
			Key: schema.Key{Name: "retry_wait", Type: schema.Duration, Min: int64(minRetryWait),
				Max: int64(maxRetryWait), Default: DefaultRetryWait.String(), Example: "1m",
				Doc: "Wait between the end of an attempt and the next."},
			read: func(p *Policy, v *schema.Value) { p.Attempts.RetryWait = v.Duration() },
			text: func(p Policy) string { return p.Attempts.orDefault().RetryWait.String() },
		},
	}
	keys = append(keys, key{
		in: "attempts", late: true,
		Key: schema.Key{Name: "disable", Type: schema.Duration, Max: int64(24 * time.Hour), Default: "0s",
			Example: "15m", Doc: "For this time after a callback has failed although its number was dialed, no " +
				"callback to that number is promised (IOS: the disable timer of Redial Enhancements)."},
		read: func(p *Policy, v *schema.Value) { p.Attempts.Disable = v.Duration() },
		text: func(p Policy) string { return p.Attempts.Disable.String() },
	})
	keys = append(keys, orderKey())
	for c := range NoCause {
		keys = append(keys, causeKey(c))
	}
	return keys
}()

// causeKey is the row of one cause.
func causeKey(c Cause) key {
	return key{
		in: "attempts", late: true,
		Key: schema.Key{Name: causeKeys[c].name, Type: schema.Object, Keys: retryKeys,
			Doc: "What follows an attempt that ends with " + causeKeys[c].when + "."},
		read: func(p *Policy, v *schema.Value) { p.Attempts.After[c] = retryOf(v) },
		text: func(p Policy) string { return p.Attempts.After[c].text() },
	}
}

var retryKeys = []schema.Key{
	{Name: "retry", Type: schema.String, Enum: []string{"yes", "no"}, Default: "yes", Example: "no",
		Doc: "Whether a further attempt is made; `attempts.max` is the limit."},
	{Name: "wait", Type: schema.Duration, Min: int64(minRetryWait), Max: int64(maxRetryWait), Example: "1m",
		Doc: "Wait before it, instead of `attempts.retry_wait`."},
	{Name: "backoff", Type: schema.Int, Min: 1, Max: maxBackoff, Default: "1", Example: "2",
		Doc: "Factor by which the wait grows with each attempt of the callback: with 2 and `wait: 1m`, 1, 2, 4 " +
			"minutes."},
	{Name: "max_wait", Type: schema.Duration, Min: int64(minRetryWait), Max: int64(24 * time.Hour), Default: "1h",
		Example: "10m", Doc: "Longest wait that `backoff` makes."},
	{Name: "jitter", Type: schema.Duration, Max: int64(maxRetryWait), Default: "0s", Example: "10s",
		Doc: "Up to this much is added to the wait at random, so that callbacks that failed together are not " +
			"dialed together again."},
	{Name: "line", Type: schema.String, Enum: []string{"same", "other"}, Default: "same", Example: "other",
		Doc: "`same`: the next attempt is made on the same line. `other`: on another one that may call back, if " +
			"one is in service."},
	{Name: "number", Type: schema.String, Enum: []string{"next", "same"}, Default: "next", Example: "same",
		Doc: "Of several numbers of the user, `next`: the next attempt dials the next one. `same`: the same one " +
			"again."},
}

func retryOf(v *schema.Value) Retry {
	r := Retry{Never: v.Get("retry").Text() == "no", Wait: v.Get("wait").Duration(), Backoff: v.Get("backoff").Int(),
		MaxWait: v.Get("max_wait").Duration(), Jitter: v.Get("jitter").Duration(),
		OtherLine: v.Get("line").Text() == "other", SameNumber: v.Get("number").Text() == "same"}
	if r.Backoff == 1 {
		r.Backoff = 0
	}
	return r
}

// checkAttempts reports what has no effect.
func (p Policy) checkAttempts(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	for c, k := range causeKeys {
		r, at := p.Attempts.After[c], v.Get(k.name)
		if r.MaxWait > 0 && r.MaxWait < r.Pause(1, p.Attempts.RetryWait) {
			problem(at.Get("max_wait"), fmt.Sprintf("is shorter than the first wait, %v",
				r.Pause(1, p.Attempts.RetryWait)), "write a longer max_wait, or a shorter wait")
		}
		for _, name := range at.Names() {
			if r.Never && name != "retry" {
				problem(at.Get(name), "has no effect: retry is no", "remove one of the two")
			}
		}
	}
}
