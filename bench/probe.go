package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// probeGoal is the goal for `ringback modem probe`.
const probeGoal = 5 * time.Second

// probe measures `ringback modem probe` from its start to its end: of the lab's modems, which answer immediately, and
// of those with the delays of real modems.
func (b *bench) probe(ctx context.Context) error {
	for _, kind := range []string{"rfc2217", "tcp", "pty"} {
		for _, slow := range []bool{false, true} {
			if err := b.probeModem(ctx, kind, slow); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) probeModem(ctx context.Context, kind string, slow bool) error {
	args := townArgs(1, 0, 0, kind, false)
	r := row{figure: "modem probe, a modem of the lab", goal: fmt.Sprintf("≤ %v", probeGoal), port: kind}
	if slow {
		args = append(args, "-slow")
		r.figure = "modem probe, a modem with the delays of real ones"
		r.note = "each OK after 50 ms; commands within 100 ms of an answer are lost; "
	}
	town, err := b.startTown(ctx, args...)
	if err != nil {
		return err
	}
	defer town.stop()
	var took, open sample
	for range b.sizes.probes {
		began := time.Now()
		cmd := exec.CommandContext(ctx, b.ringback, "modem", "probe", "-o", "json", kind+"://"+town.Lines[0])
		out, err := cmd.Output()
		took = append(took, time.Since(began).Seconds())
		if err != nil {
			return fmt.Errorf("modem probe: %w: %s", err, out)
		}
		var report struct {
			Profile string
			Checks  []struct{ Text string }
		}
		if err := json.Unmarshal(out, &report); err != nil {
			return fmt.Errorf("modem probe: %w: %s", err, out)
		}
		if report.Profile != "lab" {
			return fmt.Errorf("modem probe: the modem was not identified: %s", out)
		}
		late := 0
		for _, c := range report.Checks {
			if strings.HasPrefix(c.Text, "not all answers came") {
				late++
			}
		}
		open = append(open, float64(late))
	}
	r.note = fmt.Sprintf("%s: %sat most %.0f checks without all answers in time", kind, r.note, open.max())
	r.ours, r.verdict = took.spread("%.2f", "s"), hold(took.max() <= probeGoal.Seconds())
	b.add(r)
	return nil
}
