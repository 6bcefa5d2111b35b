package explain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/node/methods"
)

// asSite makes the question that of `ringback call` about the site User: its user, the list and the password of sites.
func (q *Question) asSite(cfg *config.Config) error {
	q.site, q.User = q.User, q.User+cfg.Sites.Suffix
	if err := broker.CheckSite(q.site); err != nil {
		return &FieldError{"site", err}
	}
	if _, known := cfg.Sites.Known[q.site]; known {
		q.List = "default" // is not asked
		return nil
	}
	if cfg.Sites.List == "" {
		known := "none"
		if len(cfg.Sites.Known) > 0 {
			known = strings.Join(slices.Sorted(maps.Keys(cfg.Sites.Known)), ", ")
		}
		return &FieldError{"site", fmt.Errorf("there is no site %q (sites of the configuration: %s; dial_out.login "+
			"lets AAA be asked about others)", q.site, known)}
	}
	q.List = cfg.Sites.List
	q.Password = func(context.Context) (string, error) { return string(cfg.Sites.Password), nil }
	q.Answer = func(ctx context.Context, prompt string, echo bool) (string, error) {
		if echo {
			return "", fmt.Errorf("the server asks %q for more than a password: %.100q", q.User, prompt)
		}
		return q.Password(ctx)
	}
	return nil
}

// known returns the report on a site of the configuration: AAA is not asked.
func (q *Question) known(cfg *config.Config, line config.Line, site broker.Site) *Report {
	r := q.report(line)
	r.Packets = []methods.Packet{}
	r.fill(cfg, line, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "sites", User: q.User},
		Auth: site.Granted(), Reason: "the configuration has its profile"}, q.Windows)
	if line.TTY != 0 && len(site.TTYs) > 0 && !slices.Contains(site.TTYs, line.TTY) && r.Verdict != Refuse {
		r.Verdict, r.Outcome = Refuse, fmt.Sprintf("rejected: tty %d may not dial %s", line.TTY, q.User)
		r.Hint = "lines of the site in the configuration"
	}
	return r
}
