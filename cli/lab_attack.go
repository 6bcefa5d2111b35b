package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/lab"
)

// labAttackFlags are the flags of `lab attack`.
type labAttackFlags struct {
	ports    string // "": all kinds
	pace     float64
	parallel int
	output   string
}

func newLabAttack() *cobra.Command {
	f := labAttackFlags{}
	c := &cobra.Command{
		Use:   "attack [ATTACK…]",
		Short: "play attacks on the daemon by callers that send modem commands",
		Long: `Plays attacks against ` + "`ringback serve`" +
			`, each in a new lab with its own daemon, and exits 0 only if the daemon held against all.
Without a name it plays all attacks, on every kind of port.

A port without modem signals (tcp, pty) has the modem's result codes and the caller's data in one stream: a caller that types NO CARRIER, OK or
CONNECT imitates the modem. What the attacker got is judged by the telephone exchange (connections, dialed numbers), the daemon's API and
what the attacker could read.

` + attackList() + `An attack takes up to a minute: the guard times of escape sequences are not shortened by --pace. The files of a lab whose daemon did not hold are
kept; the last column names them.`,
		Example: "  ringback lab attack\n  ringback lab attack --ports tcp session-theft early-ok",
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx, stop := untilHangUp(cmd.Context())
			defer stop()
			return f.run(ctx, names, cmd.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.ports, "ports", "",
		"how the daemon reaches its modems: rfc2217 (with modem signals), tcp or pty (default: each of them)")
	fl.Float64Var(&f.pace, "pace", 50, "speed factor of the telephone network, 1 or greater")
	fl.IntVar(&f.parallel, "parallel", 4, "attacks to play at the same time")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json (one object per line)")
	return c
}

// attackList returns the attacks with their explanations, for the help.
func attackList() string {
	var b strings.Builder
	for _, a := range lab.Attacks() {
		fmt.Fprintf(&b, "  %s\n%s\n", a.Name, indent(a.About, 6, 140))
	}
	return b.String()
}

// indent wraps a text into lines of at most width columns, each with a margin.
func indent(text string, margin, width int) string {
	var b strings.Builder
	column := width
	for word := range strings.FieldsSeq(text) {
		if column+1+len(word) > width {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(strings.Repeat(" ", margin-1))
			column = margin - 1
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteByte('\n')
	return b.String()
}

// labAttackPlay is one attack on one kind of port.
type labAttackPlay struct {
	attack lab.Attack
	ports  lab.Ports
}

func (f *labAttackFlags) plays(names []string) ([]labAttackPlay, error) {
	kinds := lab.AllPorts
	if f.ports != "" {
		kinds = []lab.Ports{lab.Ports(f.ports)}
	}
	all := lab.Attacks()
	var known []string
	for _, a := range all {
		known = append(known, a.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, misused("unknown attack %q; valid attacks: %s", n, strings.Join(known, ", "))
		}
	}
	var plays []labAttackPlay
	for _, p := range kinds {
		if p.Check() != nil {
			return nil, misuse{p.Check()}
		}
		for _, a := range all {
			if len(names) == 0 || slices.Contains(names, a.Name) {
				plays = append(plays, labAttackPlay{a, p})
			}
		}
	}
	return plays, nil
}

func (f *labAttackFlags) run(ctx context.Context, names []string, w io.Writer) error {
	plays, err := f.plays(names)
	switch {
	case err != nil:
		return err
	case f.output != "table" && f.output != "json":
		return misused("-o %s: must be table or json", f.output)
	case lab.CheckPace(f.pace) != nil:
		return misuse{lab.CheckPace(f.pace)}
	case f.parallel < 1:
		return misused("--parallel %d: must be 1 or greater", f.parallel)
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	if f.output == "table" {
		fmt.Fprintf(w, labAttackRow, "ATTACK", "PORTS", "TIME", "RESULT", "WHAT THE ATTACKER GOT")
	}
	held := 0
	for r := range f.results(ctx, binary, plays) {
		if ctx.Err() != nil {
			continue // the other attacks end too, because of the interrupt
		}
		if r.Held {
			held++
		}
		if err := f.print(w, r); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.New("lab attack: interrupted")
	}
	if f.output == "table" {
		fmt.Fprintf(w, "the daemon held against %d of %d attacks\n", held, len(plays))
	}
	if held < len(plays) {
		return exitStatus(1)
	}
	return nil
}

// results runs the attacks, f.parallel at a time, and returns their results in the order of plays.
func (f *labAttackFlags) results(ctx context.Context, binary string, plays []labAttackPlay) <-chan lab.AttackResult {
	done := make([]chan lab.AttackResult, len(plays))
	for i := range done {
		done[i] = make(chan lab.AttackResult, 1)
	}
	next := make(chan int, len(plays))
	for i := range plays {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(f.parallel, len(plays)) {
		wg.Go(func() {
			for i := range next {
				done[i] <- plays[i].attack.Run(ctx, lab.Options{Binary: binary, Pace: f.pace, Ports: plays[i].ports})
			}
		})
	}
	out := make(chan lab.AttackResult)
	go func() {
		defer close(out)
		for _, c := range done {
			out <- <-c
		}
		wg.Wait()
	}()
	return out
}

const labAttackRow = "%-15s %-8s %6s  %-7s %s\n"

func (f *labAttackFlags) print(w io.Writer, r lab.AttackResult) error {
	if f.output == "json" {
		return json.NewEncoder(w).Encode(r)
	}
	verdict, texts := "held", []string{"nothing"}
	switch {
	case len(r.Got) > 0:
		verdict, texts = "BROKEN", r.Got
	case r.Error != "":
		verdict, texts = "ERROR", []string{r.Error}
	case len(r.Notes) > 0:
		texts = []string{"nothing: " + strings.Join(r.Notes, ", ")}
	}
	if r.Dir != "" {
		texts = append(texts, "files: "+r.Dir)
	}
	_, err := fmt.Fprintf(w, labAttackRow, r.Attack, r.Ports, fmt.Sprintf("%.1fs", r.Seconds), verdict, texts[0])
	for _, t := range texts[1:] {
		if err == nil {
			_, err = fmt.Fprintf(w, labAttackRow, "", "", "", "", t)
		}
	}
	return err
}
