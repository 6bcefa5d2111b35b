package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

func newDebug() *cobra.Command {
	var f daemonFlags
	var users []string
	var lines []int
	c := &cobra.Command{
		Use:   "debug TOPIC…",
		Short: "stream live debug events of a running daemon",
		Long: `Shows events of the topics until Ctrl-C, with time stamps to the millisecond as IOS has them. The topics:

  callback             callback events
  dialer               dials: line, trunk, number, script, attempt, wait, result, next step
  chat                 chat script activity
  modem                modem control and process activation
  aaa                  AAA requests and replies
  ppp negotiation      phases of PPP; LCP, IPCP and IPV6CP with their options
  ppp authentication   PAP, CHAP and EAP of PPP
  ppp cbcp             the Callback Control Protocol
  ppp packet           every frame of PPP, and its keepalive
  all                  all topics

The lines of PPP have the terms of IOS: I is received, O is sent, and the state of the protocol is in brackets. No topic
shows a password, a response to a challenge, or the contents of a user's packets; "ringback ppp capture" has the latter.

With --user or --line, only what is about one of these users or lines is shown, of all topics. A line belongs to the user
of its session, or of the callback that has it, and to the name with which a login is tried; a callback belongs to its user
from the promise on, so leg two is shown from before its dial. What happens before the name is known, such as RING and
CONNECT of a call, is shown only with --line. Names are compared exactly. AAA packets are about the user that they name.

A line on standard error reports when the stream has started: events after that are not missed. With -o json, each line is
one event, with its user.`,
		Example: "  ringback debug callback chat\n  ringback debug ppp negotiation cbcp\n" +
			"  ringback debug callback aaa --user ted --line 66",
		ValidArgs: append(topicWords(client.Topics), "all"),
		Args:      func(_ *cobra.Command, args []string) error { _, err := debugTopics(args); return err },
		RunE: func(cmd *cobra.Command, args []string) error {
			topics, err := debugTopics(args)
			if err != nil {
				return err
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			q := client.DebugQuery{Topics: topics}
			for _, u := range users {
				q.Conditions = append(q.Conditions, client.DebugCondition{User: u})
			}
			for _, n := range lines {
				q.Conditions = append(q.Conditions, client.DebugCondition{Line: n})
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			listening := func() {
				fmt.Fprintln(cmd.ErrOrStderr(), console.Clean("debugging "+strings.Join(topics, " ")+
					onlyText(q.Conditions)+"; Ctrl-C ends"))
			}
			return cl.Debug(ctx, q, listening, func(e client.DebugEvent) {
				if f.printEach(cmd.OutOrStdout(), e, func(w io.Writer) error {
					_, err := fmt.Fprintln(w, tables.DebugLine("*"+tables.Here().Stamp(e.Time), e))
					return err
				}) != nil {
					cancel()
				}
			})
		},
	}
	f.addOutput(c)
	c.Flags().StringArrayVar(&users, "user", nil, "only events of this user (repeated: of one of them, or of a --line)")
	c.Flags().IntSliceVar(&lines, "line", nil, "only events of these TTYs (of one of them, or of a --user)")
	return c
}

// onlyText is " for user ted or line 66".
func onlyText(conditions []client.DebugCondition) string {
	var all []string
	for _, c := range conditions {
		all = append(all, c.String())
	}
	if len(all) == 0 {
		return ""
	}
	return " for " + strings.Join(all, " or ")
}

// debugTopics returns the topics that arguments name. A topic has one word or two, and the first of two words is given
// once: "ppp negotiation cbcp" names two topics.
func debugTopics(args []string) (topics []string, err error) {
	valid := strings.Join(client.Topics, ", ")
	first := ""
	for i, a := range args {
		switch {
		case a == "all":
			return client.Topics, nil
		case first != "" && slices.Contains(client.Topics, first+" "+a):
			topics = append(topics, first+" "+a)
		case slices.Contains(client.Topics, a):
			topics, first = append(topics, a), ""
		case len(secondWords(a)) == 0:
			return nil, fmt.Errorf("unknown topic %q; valid topics: all, %s", a, valid)
		case i+1 == len(args) || !slices.Contains(secondWords(a), args[i+1]):
			return nil, fmt.Errorf("%q needs a second word: %s", a, strings.Join(secondWords(a), ", "))
		default:
			first = a
		}
	}
	if len(topics) == 0 {
		return nil, fmt.Errorf("no topic given; valid topics: all, %s", valid)
	}
	return topics, nil
}

// secondWords returns the second words of the topics that begin with a word.
func secondWords(first string) (second []string) {
	for _, t := range client.Topics {
		if rest, ok := strings.CutPrefix(t, first+" "); ok {
			second = append(second, rest)
		}
	}
	return second
}

// topicWords returns the different words of topics.
func topicWords(topics []string) (all []string) {
	for _, w := range strings.Fields(strings.Join(topics, " ")) {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}
