package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func newDebug() *cobra.Command {
	var f daemonFlags
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

A line on standard error reports when the stream has started: events after that are not missed.`,
		Example:   "  ringback debug callback chat\n  ringback debug ppp negotiation cbcp",
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
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			listening := func() {
				fmt.Fprintf(cmd.ErrOrStderr(), "debugging %s; Ctrl-C ends\n", strings.Join(topics, " "))
			}
			return cl.Debug(ctx, topics, listening, func(e client.DebugEvent) {
				line := tables.DebugLine("*"+tables.Here().Stamp(e.Time), e)
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
					cancel()
				}
			})
		},
	}
	f.add(c)
	return c
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
