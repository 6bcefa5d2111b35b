package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/policytest"
)

// explainFlags are the flags of `policy explain`.
type explainFlags struct {
	fromFlags
	asked              policytest.Asked
	service, typed, at string
	numbers            []string
	rotary             int
	windows            []string
}

// explained is the output of `policy explain`.
type explained struct {
	File     string            `json:"file,omitempty"` // of the group's policy; "": there is none
	Decision policies.Decision `json:"decision"`
	Trace    policies.Trace    `json:"trace"`
}

func newPolicyExplain() *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain [DIR] --user NAME",
		Short: "explain what the policy files decide about a request",
		Long: `Decides about a request as the daemon would, from a directory of policy files (default: that of -c, else
` + policiesDir + `), and prints the decision and each rule that was evaluated, with the file and line of the
values that it looked at; the last one decided. The flags say what AAA would answer and what is known about the call;
nothing is asked or dialed. ringback aaa test --explain asks AAA itself.

Without --callback, --number, --place and --caller-id AAA requires no callback. --number "" means that AAA leaves the number
to the caller; --typed is then what the caller gives.`,
		Example: `  ringback policy explain policies.d --user austin-01 --number 84001
  ringback policy explain -c ringback.yaml --user reno-07 --number "" --typed 84007`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.ask(cmd); err != nil {
				return err
			}
			dir := ""
			if len(args) > 0 {
				dir = args[0]
			}
			set, dir, err := f.load(cmd.ErrOrStderr(), dir)
			if err != nil {
				return err
			}
			if err := f.checkWindows(set); err != nil {
				return err
			}
			var e explained
			e.Decision, e.Trace = set.Evaluate(f.asked.Request())
			if path := filepath.Join(dir, e.Decision.Group+".yaml"); exists(path) {
				e.File = path
			}
			return f.print(cmd.OutOrStdout(), e, e.text)
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVar(&f.asked.User, "user", "", "the user, as AAA names it (required)")
	fl.StringVar(&f.asked.Entry, "entry", "", "the method-list entry that authenticated the user")
	fl.StringArrayVar(&f.asked.Groups, "group-hint", nil, "a group hint of AAA; may be repeated")
	fl.StringVar(&f.service, "service", "exec", "service that the caller starts: exec, ppp or outbound (a dial-out)")
	fl.StringVar(&f.asked.Auth, "auth", "", "with --service ppp, method by which the caller authenticated: "+
		strings.Join(policies.PPPMethods(), ", ")+" (default: not known)")
	fl.BoolVar(&f.asked.Callback, "callback", false, "AAA requires a callback")
	fl.StringArrayVar(&f.numbers, "number", nil, `the callback number that AAA gives; "" leaves it to the caller; may `+
		"be repeated")
	fl.StringVar(&f.asked.Place, "place", "", "the Callback-Id that AAA gives")
	fl.StringVar(&f.asked.Address, "address", "", "with --service ppp, the fixed IPv4 address that AAA gives")
	fl.BoolVar(&f.asked.CallerID, "caller-id", false, "AAA requires a callback to the calling number")
	fl.BoolVar(&f.asked.NoVerify, "no-verify", false, "AAA grants that the second login is omitted")
	fl.IntVar(&f.asked.Priv, "priv-lvl", 1, "the privilege level that AAA grants")
	fl.StringVar(&f.typed, "typed", "", "the number that the caller gives (default: not asked yet)")
	fl.StringVar(&f.asked.Caller, "caller", "", "calling number, from the network")
	fl.StringVar(&f.asked.Called, "called", "", "number that the caller dialed, from the network")
	fl.IntVar(&f.asked.Line, "line", 0, "called line, a TTY number (default: no line in particular)")
	fl.IntVar(&f.rotary, "rotary", 0, "rotary of the called line (default: none)")
	fl.BoolVar(&f.asked.Ringing, "ringing", false, "the call rings and is not answered yet (callback_on_ring)")
	fl.BoolVar(&f.asked.Network, "network", false, "the session is over the network, on a vty")
	fl.StringVar(&f.asked.Trigger, "trigger", "",
		"what requests the callback without a call: sms or missed_call (default: a call)")
	fl.BoolVar(&f.asked.Raw, "raw", false, "with --service outbound: the user asks for the modem itself (raw_access)")
	fl.IntVar(&f.asked.Leg, "leg", 1, "1: the caller's own call, 2: the call that the callback made")
	fl.StringVar(&f.at, "time", "", "time of the request, RFC 3339 (default: now)")
	fl.StringArrayVar(&f.windows, "window", nil, "a group whose access window is open; may be repeated")
	return c
}

// ask fills in the request from the flags.
func (f *explainFlags) ask(cmd *cobra.Command) (err error) {
	switch {
	case f.asked.User == "":
		return misused("--user is required: the name of a user, as AAA names it")
	case !slices.Contains([]string{"exec", "ppp", "outbound"}, f.service):
		return misused("--service %s: must be exec, ppp or outbound", f.service)
	case f.asked.Auth != "" && f.service != "ppp":
		return misused("--auth is of PPP: --service ppp is required")
	case f.asked.Auth != "" && !slices.Contains(policies.PPPMethods(), f.asked.Auth):
		return misused("--auth %s: must be one of %s", f.asked.Auth, strings.Join(policies.PPPMethods(), ", "))
	case f.asked.Address != "" && f.service != "ppp":
		return misused("--address is of PPP: --service ppp is required")
	case f.asked.Address != "" && policytest.CheckAddress(f.asked.Address) != nil:
		return misused("--address: %w", policytest.CheckAddress(f.asked.Address))
	case len(f.numbers) > 1 && slices.Contains(f.numbers, ""):
		return misused(`--number "" leaves the number to the caller, and another --number does not`)
	case len(f.numbers) > aaa.MaxNumbers:
		return misused("--number is given %d times; the maximum is %d", len(f.numbers), aaa.MaxNumbers)
	case f.asked.Leg != 1 && f.asked.Leg != 2:
		return misused("--leg %d: must be 1 or 2", f.asked.Leg)
	}
	for _, n := range []struct {
		flag, key string
		value     int
	}{{"priv-lvl", "priv_lvl", f.asked.Priv}, {"line", "line", f.asked.Line}, {"rotary", "rotary", f.rotary}} {
		if !cmd.Flags().Changed(n.flag) {
			continue
		}
		if err := policytest.CheckRange(n.key, n.value); err != nil {
			return misused("--%s %d: %w", n.flag, n.value, err)
		}
	}
	f.asked.Service = aaa.Service(f.service)
	if cmd.Flags().Changed("number") {
		f.asked.Number, f.asked.Further = &f.numbers[0], f.numbers[1:]
	}
	if cmd.Flags().Changed("typed") {
		f.asked.Typed = &f.typed
	}
	if cmd.Flags().Changed("rotary") {
		f.asked.Rotary = &f.rotary
	}
	for _, group := range f.windows {
		if f.asked.Windows == nil {
			f.asked.Windows = map[string]int{}
		}
		f.asked.Windows[group] = 2 // as many operators as a policy can require
	}
	if f.asked.Time = time.Now(); f.at != "" {
		if f.asked.Time, err = policytest.ParseTime(f.at); err != nil {
			return misused("--time: %w", err)
		}
	}
	return nil
}

// checkWindows returns an error if there is no policy file of a group whose window is to be open.
func (f *explainFlags) checkWindows(set *policies.Set) error {
	for _, group := range f.windows {
		if _, ok := set.Group(group); !ok {
			return fmt.Errorf("--window %s: no policy file has this group (groups: %s)", group,
				strings.Join(set.Groups(), ", "))
		}
	}
	return nil
}

func (e explained) text(w io.Writer) {
	d := e.Decision
	fmt.Fprintln(w, decisionText(d))
	if d.Group != "" {
		fmt.Fprintf(w, "policy: %s\n", orBuiltIn(e.File))
	}
	fmt.Fprintf(w, "%s", e.Trace)
	if d.Text != "" {
		fmt.Fprintf(w, "the caller reads: %s\n", d.Text)
	}
	if !d.EXEC.IsZero() {
		fmt.Fprintf(w, "EXEC sessions: %s\n", d.EXEC)
	}
	if d.Record {
		fmt.Fprintln(w, "the session is recorded")
	}
	if d.PPP != (policies.PPP{}) {
		fmt.Fprintf(w, "PPP sessions: %s\n", d.PPP)
	}
	if d.Hint != "" {
		fmt.Fprintf(w, "fix: %s\n", d.Hint)
	}
}

// decisionText is a decision in one line. If several groups claim the caller it is of none of them.
func decisionText(d policies.Decision) string {
	of := "group " + d.Group
	if d.Group == "" {
		of = "no group"
	}
	return fmt.Sprintf("decision of %s: %s: %s", of, d.Outcome, d.Reason)
}

func orBuiltIn(file string) string {
	if file == "" {
		return "built in"
	}
	return file
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
