package commands

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// debugNodes turn debug output on and off, on this terminal.
func (u User) debugNodes() []console.Node {
	if u.Monitor == nil {
		return nil
	}
	return []console.Node{
		{Word: "debug", Help: "Show what the daemon does", Next: u.topicNodes(true)},
		{Word: "no", Help: "Negate a command", Next: []console.Node{
			{Word: "debug", Help: "Stop showing what the daemon does", Next: u.topicNodes(false)},
		}},
		{Word: "service", Help: "Properties of the debug output", Next: []console.Node{
			{Word: "timestamps", Help: "Time stamps", Next: []console.Node{
				{Word: "debug", Help: "Of debug output, on this terminal", Next: []console.Node{
					{Word: "datetime", Help: "The time of day", Run: u.timestamps(false), Next: []console.Node{
						{Word: "msec", Help: "With milliseconds", Run: u.timestamps(false)}}},
					{Word: "uptime", Help: "Since the start of the daemon", Run: u.timestamps(true)}}}}}}},
		{Word: "undebug", Help: "Stop showing what the daemon does", Next: u.topicNodes(false)},
	}
}

// topicNodes are the topics: of one word, such as callback, or two, such as ppp negotiation.
func (u User) topicNodes(on bool) []console.Node {
	var nodes []console.Node
	at := map[string]int{}
	for _, topic := range client.Topics {
		first, second, two := strings.Cut(topic, " ")
		leaf := console.Node{Word: second, Help: topicHelp[topic], Run: u.setTopics(on, topic)}
		if !two {
			leaf.Word = first
			nodes = append(nodes, leaf)
			continue
		}
		i, known := at[first]
		if !known {
			i = len(nodes)
			at[first] = i
			nodes = append(nodes, console.Node{Word: first, Help: strings.ToUpper(first)})
		}
		nodes[i].Next = append(nodes[i].Next, leaf)
	}
	return append([]console.Node{{Word: "all", Help: "All topics", Run: u.setTopics(on, client.Topics...)}},
		sorted(nodes)...)
}

// topicHelp says what each topic shows.
var topicHelp = map[string]string{
	"callback":           "Callback events",
	"dialer":             "Lines, trunks, numbers and scripts of dials",
	"chat":               "Chat script activity",
	"modem":              "Modem control and process activation",
	"aaa":                "AAA requests and replies",
	"ppp negotiation":    "Phases of PPP, and its protocols with their options",
	"ppp authentication": "PAP, CHAP and EAP",
	"ppp cbcp":           "The Callback Control Protocol",
	"ppp packet":         "Every frame",
}

// setTopics turns topics on or off.
func (u User) setTopics(on bool, topics ...string) run {
	return u.asking(func(ctx context.Context, _ console.Args, w io.Writer) error {
		if err := u.Monitor.Set(ctx, on, topics...); err != nil {
			return err
		}
		if len(topics) > 1 {
			_, err := fmt.Fprintf(w, "All possible debugging has been turned %s\n", onOff(on))
			return err
		}
		_, err := fmt.Fprintf(w, "Debugging of %s is %s\n", topics[0], onOff(on))
		return err
	})
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// debugging is `show debugging`.
func (u User) debugging(_ context.Context, _ console.Args, w io.Writer) error {
	topics, shown := u.Monitor.Topics()
	for _, t := range topics {
		fmt.Fprintf(w, "Debugging of %s is on\n", t)
	}
	if len(topics) > 0 && !shown {
		fmt.Fprintln(w, "It is not shown on this terminal: type terminal monitor")
	}
	return nil
}

func (u User) timestamps(up bool) run {
	if !up {
		return func(context.Context, console.Args, io.Writer) error {
			u.Monitor.Since(time.Time{})
			return nil
		}
	}
	return u.asking(func(ctx context.Context, _ console.Args, _ io.Writer) error {
		v, err := u.Client.Version(ctx)
		if err == nil {
			u.Monitor.Since(v.Started)
		}
		return err
	})
}
