package radius_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/servers"
)

// A server for the example; for a real server, only its Address is needed.
func exampleServer(ctx context.Context) (s *servers.RADIUS, stop func()) {
	users, err := servers.ParseUsers(strings.NewReader(`austin-01 Cleartext-Password := "maui-1993"
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84001"
`))
	if err != nil {
		log.Fatal(err)
	}
	if s, err = servers.NewRADIUS(servers.RADIUSConfig{Secret: "a secret of 24 octets...", Users: users}); err != nil {
		log.Fatal(err)
	}
	if err := s.Listen(":0", ":0"); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() { cancel(); <-ended }
}

// A login, what was granted and why, and the accounting of the session.
func ExampleClient() {
	ctx := context.Background()
	server, stop := exampleServer(ctx)
	defer stop()

	client, err := radius.New(radius.Config{
		NASIdentifier: "maui",
		Servers: []radius.ServerConfig{{
			Name: "first", Address: server.AuthAddr(), Accounting: server.AcctAddr(),
			Secret:  "a secret of 24 octets...",
			Timeout: time.Minute, // an example may run on a busy machine
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	login := aaa.Request{Service: aaa.EXEC, User: "austin-01", Password: "maui-1993", TTY: 65, Caller: "5551001"}
	_, res := client.Start(ctx, login) // the first result, a Conversation, is for an Access-Challenge
	fmt.Println(res.Kind, res.Identity)
	fmt.Println("callback:", res.Auth.Callback, "to", res.Auth.Dialstring)
	for _, r := range res.Auth.Readings {
		if r.Field != "" { // others changed nothing; r.Note says why
			fmt.Printf("%s = %s fills %s\n", r.Attribute, r.Value, r.Field)
		}
	}

	login.Password = "guessed"
	_, res = client.Start(ctx, login)
	fmt.Println(res.Kind, "because", res.Reason)

	stopRecord := aaa.Record{
		Type: aaa.Stop, Time: time.Now(), SessionID: "1", User: "austin-01", Service: aaa.EXEC, TTY: 65,
		SessionTime: 9 * time.Second, Cause: aaa.CauseCallback,
	}
	if err := client.Send(ctx, stopRecord); err != nil { // nil: a server has acknowledged it
		log.Fatal(err)
	}
	fmt.Println(len(server.Records()), "record")
	// Output:
	// granted austin-01 by radius
	// callback: true to "84001"
	// Service-Type = Callback-NAS-Prompt fills service_type, callback, priv_lvl
	// Callback-Number = "84001" fills callback, dialstring
	// refused because radius server first refused "austin-01"
	// 1 record
}
