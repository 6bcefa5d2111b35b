package commands

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/texts"
)

// debugNodes turn debug output on and off, on this terminal.
func (u User) debugNodes() []console.Node {
	if u.Monitor == nil {
		return nil
	}
	return []console.Node{
		{Word: "debug", Help: texts.HelpDebug, Next: u.topicNodes(true)},
		{Word: "no", Help: texts.HelpNo, Next: []console.Node{
			{Word: "debug", Help: texts.HelpUndebug, Next: u.topicNodes(false)},
		}},
		{Word: "service", Help: texts.HelpService, Next: []console.Node{
			{Word: "timestamps", Help: texts.HelpTimestamps, Next: []console.Node{
				{Word: "debug", Help: texts.HelpTimestampsDebug, Next: []console.Node{
					{Word: "datetime", Help: texts.HelpDatetime, Run: u.timestamps(false), Next: []console.Node{
						{Word: "msec", Help: texts.HelpMsec, Run: u.timestamps(false)}}},
					{Word: "uptime", Help: texts.HelpUptime, Run: u.timestamps(true)}}}}}}},
		{Word: "undebug", Help: texts.HelpUndebug, Next: u.topicNodes(false)},
	}
}

// topicNodes are the topics: of one word, such as callback, or two, such as ppp negotiation.
func (u User) topicNodes(on bool) []console.Node {
	var nodes []console.Node
	at := map[string]int{}
	for _, topic := range client.Topics {
		first, second, two := strings.Cut(topic, " ")
		leaf := console.Node{Word: second, Help: topicHelp[topic], Run: u.setTopics(on, topic),
			Next: u.conditionNodes(on, topic)}
		if !two {
			leaf.Word = first
			nodes = append(nodes, leaf)
			continue
		}
		i, known := at[first]
		if !known {
			i = len(nodes)
			at[first] = i
			nodes = append(nodes, console.Node{Word: first, Help: texts.HelpTopicPPP})
		}
		nodes[i].Next = append(nodes[i].Next, leaf)
	}
	return append([]console.Node{{Word: "all", Help: texts.HelpTopics, Run: u.setTopics(on, client.Topics...),
		Next: u.conditionNodes(on, client.Topics...)}}, sorted(nodes)...)
}

// conditionNodes are the conditions of topics. A name ends the line, so that it may have spaces.
func (u User) conditionNodes(on bool, topics ...string) []console.Node {
	line := u.setCondition(on, func(args console.Args) (c client.DebugCondition) {
		c.Line, _ = args.Int("tty")
		return c
	}, topics...)
	user := u.setCondition(on, func(args console.Args) client.DebugCondition {
		return client.DebugCondition{User: args["name"]}
	}, topics...)
	return []console.Node{
		{Word: "line", Help: texts.HelpOfLine, Next: []console.Node{
			{Word: "tty", Kind: console.Number, Min: 1, Max: maxTTY, Help: texts.HelpLineNumber, Run: line}}},
		{Word: "user", Help: texts.HelpOfUser, Next: []console.Node{
			rest("name", texts.HelpUserName, user)}},
	}
}

// topicHelp says what each topic shows.
var topicHelp = map[string]texts.Key{
	"callback":           texts.HelpTopicCallback,
	"dialer":             texts.HelpTopicDialer,
	"chat":               texts.HelpTopicChat,
	"modem":              texts.HelpTopicModem,
	"aaa":                texts.HelpTopicAAA,
	"ppp negotiation":    texts.HelpTopicNegotiation,
	"ppp authentication": texts.HelpTopicAuthentication,
	"ppp cbcp":           texts.HelpTopicCBCP,
	"ppp packet":         texts.HelpTopicPacket,
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

// setCondition adds a condition to topics or removes it.
func (u User) setCondition(on bool, of func(console.Args) client.DebugCondition, topics ...string) run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		c := of(args)
		before, _ := u.Monitor.Query()
		if err := u.Monitor.SetCondition(ctx, on, c, topics...); err != nil {
			return err
		}
		after, _ := u.Monitor.Query()
		if !on && len(after.Conditions) == len(before.Conditions) {
			return fmt.Errorf("there is no such condition: %s", c)
		}
		what := "All possible debugging has been turned " + onOff(on)
		if len(topics) == 1 {
			what = fmt.Sprintf("Debugging of %s is %s", topics[0], onOff(on))
		}
		if on || len(topics) > 1 || slices.Contains(after.Topics, topics[0]) {
			what += " for " + c.String()
		}
		_, err := fmt.Fprintln(w, console.Clean(what))
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
	q, shown := u.Monitor.Query()
	for _, t := range q.Topics {
		only := ""
		for _, c := range q.Conditions {
			if c.Topic == t {
				only = " for " + c.String()
				fmt.Fprintln(w, console.Clean("Debugging of "+t+" is on"+only))
			}
		}
		if only == "" {
			fmt.Fprintf(w, "Debugging of %s is on\n", t)
		}
	}
	if len(q.Topics) > 0 && !shown {
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
