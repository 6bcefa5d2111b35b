package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/ppp/trace"
)

// TestDebugTopics: the words of a command name topics, and the mistakes are explained.
func TestDebugTopics(t *testing.T) {
	const valid = "valid topics: all, callback, dialer, chat, modem, aaa, ppp negotiation, " +
		"ppp authentication, ppp cbcp, ppp packet"
	const second = `"ppp" needs a second word: negotiation, authentication, cbcp, packet`
	for args, want := range map[string]string{
		"callback":                          "callback",
		"chat callback":                     "chat, callback",
		"dialer chat":                       "dialer, chat",
		"ppp negotiation":                   "ppp negotiation",
		"ppp negotiation cbcp":              "ppp negotiation, ppp cbcp",
		"ppp packet aaa ppp authentication": "ppp packet, aaa, ppp authentication",
		"aaa all":                           strings.Join(client.Topics, ", "),
		"":                                  "no topic given; " + valid,
		"nosuch":                            `unknown topic "nosuch"; ` + valid,
		"ppp":                               second,
		"ppp chat":                          second,
		"ppp ppp packet":                    second,
		"negotiation":                       `unknown topic "negotiation"; ` + valid,
		"ppp packet chat cbcp":              `unknown topic "cbcp"; ` + valid,
		"ppp negotiation ppp cbcp ppp cbcp": "ppp negotiation, ppp cbcp, ppp cbcp",
	} {
		topics, err := debugTopics(strings.Fields(args))
		got := strings.Join(topics, ", ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("debug %s: %s, want %s", args, got, want)
		}
	}
}

// TestTopicsOfPPP: the topics of package trace are those of the API.
func TestTopicsOfPPP(t *testing.T) {
	for _, topic := range []string{trace.Negotiation, trace.Authentication, trace.Callback, trace.Packets} {
		if !slices.Contains(client.Topics, topic) {
			t.Errorf("%q is no topic", topic)
		}
	}
}
